using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Singa.Actors.Collective;

/// <summary>
/// What a process shows to others, and whom it believes. The data plane and Akka.Remote use the same. <c>Accepts</c> takes the certificate that
/// the other side has proved to have the key of.
/// </summary>
public sealed class PeerCredentials
{
    private readonly Func<X509Certificate2, bool> accepts;

    private PeerCredentials(X509Certificate2 certificate, Func<X509Certificate2, bool> accepts) =>
        (Certificate, this.accepts) = (certificate, accepts);

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public bool Accepts(X509Certificate2 remote) => accepts(remote);

    /// <summary>
    /// Everybody who knows the secret has the same key pair: HKDF-SHA256 (RFC 5869) makes of it the private key of the curve P-256, and a
    /// certificate that it signs itself. Whoever shows that key knows the secret.
    /// </summary>
    /// <exception cref="DataPlaneException">It is empty.</exception>
    public static PeerCredentials OfSecret(string secret)
    {
        if (secret.Length == 0)
            throw new DataPlaneException("the cluster's secret is empty; take some 32 characters at random");
        using var key = ClusterSecret.KeyOf(secret);
        byte[] pinned = key.ExportSubjectPublicKeyInfo();
        var request = new CertificateRequest("CN=singa", key, HashAlgorithmName.SHA256);
        using var signed = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(9999, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return new PeerCredentials(Portable(signed), remote => CryptographicOperations.FixedTimeEquals(PublicKeyOf(remote), pinned));
    }

    /// <summary>Certificates that one authority has signed: this process's own, and everybody's who shows one of the same authority.</summary>
    /// <param name="certificate">PEM file of this process's certificate.</param>
    /// <param name="key">PEM file of its private key.</param>
    /// <param name="authority">PEM file with the certificates of those whose signature counts.</param>
    /// <exception cref="DataPlaneException">A file cannot be read, or the certificate is not of the authority.</exception>
    public static PeerCredentials OfAuthority(string certificate, string key, string authority)
    {
        try
        {
            using var own = X509Certificate2.CreateFromPemFile(certificate, key);
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(authority);
            if (roots.Count == 0)
                throw new DataPlaneException($"{authority} holds no certificate");
            var credentials = new PeerCredentials(Portable(own), remote => IsOf(roots, remote));
            return credentials.Accepts(own)
                ? credentials
                : throw new DataPlaneException($"the certificate in {certificate} is not signed by {authority}, or is out of date: others would refuse it");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new DataPlaneException($"the certificate {certificate} with its key {key} and authority {authority} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Nothing is looked up on the network: not revocation, not certificates in between.</summary>
    private static bool IsOf(X509Certificate2Collection roots, X509Certificate2 remote)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(remote);
    }

    private static byte[] PublicKeyOf(X509Certificate2 certificate) => certificate.PublicKey.ExportSubjectPublicKeyInfo();

    // Some systems use a key in TLS only if it has come out of a container.
    private static X509Certificate2 Portable(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
}

/// <summary>Makes the key that everybody who knows the secret has.</summary>
internal static class ClusterSecret
{
    private static readonly byte[] Salt = Encoding.UTF8.GetBytes("singa cluster");

    // Order of the group of P-256 (FIPS 186): a private key is below it.
    private static readonly byte[] Order = Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");

    public static ECDsa KeyOf(string secret)
    {
        for (int attempt = 0; ; attempt++)
        {
            byte[] d = HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, Salt, Encoding.UTF8.GetBytes($"p-256 key {attempt}"));
            if (d.AsSpan().SequenceCompareTo(Order) < 0 && d.AsSpan().ContainsAnyExcept((byte)0))
                return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = d });
        }
    }
}
