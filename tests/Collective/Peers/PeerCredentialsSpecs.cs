using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Singa.Actors.Collective.Tests.Peers;

public sealed class PeerCredentialsSpecs
{
    [Fact]
    public void One_secret_is_one_key_in_every_process()
    {
        var (a, b, other) = (PeerCredentials.OfSecret("correct horse"), PeerCredentials.OfSecret("correct horse"), PeerCredentials.OfSecret("Correct horse"));
        Assert.Equal(Key(a), Key(b));
        Assert.True(a.Accepts(b.Certificate) && b.Accepts(a.Certificate));
        Assert.False(a.Accepts(other.Certificate) || other.Accepts(a.Certificate));
        // Pinned: a later version must still understand this one.
        Assert.Equal("155DA4", Key(a)[^6..]);
    }

    [Fact]
    public void A_secret_that_is_none_is_refused() =>
        Assert.Contains("is empty", Assert.Throws<DataPlaneException>(() => PeerCredentials.OfSecret("")).Message);

    [Fact]
    public async Task Certificates_of_an_authority_do_as_well()
    {
        using var folder = new Folder();
        using var authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Request("CN=our authority", authority, isAuthority: true).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var strange = Request("CN=our authority", ECDsa.Create(ECCurve.NamedCurves.nistP256), isAuthority: true).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (a, b, c) = (Issue(folder, root, "a"), Issue(folder, root, "b"), Issue(folder, strange, "c"));
        Assert.True(a.Accepts(b.Certificate) && b.Accepts(a.Certificate));
        Assert.False(a.Accepts(c.Certificate));
        using var one = DataPlane.Start(DataPlaneSettings.From(null, "127.0.0.1", 0), a);
        using var two = DataPlane.Start(DataPlaneSettings.From(null, "127.0.0.1", 0), b);
        using var three = DataPlane.Start(DataPlaneSettings.From(null, "127.0.0.1", 0), c);
        Assert.Equal(PeerState.Alive, (await one.ProbeAsync(two.Local, Planes.Patience)).State);
        Assert.Equal(PeerState.Silent, (await three.ProbeAsync(two.Local, Planes.Patience)).State);
        var e = Assert.Throws<DataPlaneException>(() => PeerCredentials.OfAuthority(folder["a.crt"], folder["a.key"], folder["c.ca"]));
        Assert.Contains("is not signed by", e.Message);
        Assert.Contains("cannot be used", Assert.Throws<DataPlaneException>(() => PeerCredentials.OfAuthority(folder["nowhere"], folder["a.key"], folder["a.ca"])).Message);
    }

    private static PeerCredentials Issue(Folder folder, X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Request($"CN={name}", key, isAuthority: false).Create(authority, authority.NotBefore, authority.NotAfter, [1, 2, (byte)name[0]]);
        File.WriteAllText(folder[$"{name}.crt"], certificate.ExportCertificatePem());
        File.WriteAllText(folder[$"{name}.key"], key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(folder[$"{name}.ca"], authority.ExportCertificatePem());
        return PeerCredentials.OfAuthority(folder[$"{name}.crt"], folder[$"{name}.key"], folder[$"{name}.ca"]);
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        return request;
    }

    private static string Key(PeerCredentials credentials) => Convert.ToHexString(credentials.Certificate.PublicKey.ExportSubjectPublicKeyInfo());

    private sealed class Folder : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("singa");

        public string this[string name] => Path.Combine(folder.FullName, name);

        public void Dispose() => folder.Delete(recursive: true);
    }
}
