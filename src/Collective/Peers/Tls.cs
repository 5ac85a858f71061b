using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Singa.Actors.Collective.Peers;

/// <summary>TLS in which both sides show a certificate, and each believes whom its credentials accept.</summary>
internal sealed class Tls(PeerCredentials credentials)
{
    private const int MoreThanAnAlert = 64;

    private readonly SslStreamCertificateContext own = SslStreamCertificateContext.Create(credentials.Certificate, null, offline: true);

    /// <exception cref="HandshakeException">The other side is not one of us.</exception>
    public async Task<SslStream> AcceptAsync(Wire wire)
    {
        var stream = new SslStream(wire, leaveInnerStreamOpen: true);
        bool judged = false;
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = own,
                ClientCertificateRequired = true,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, remote, _, _) => Accepts(remote, out judged),
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                CertificateChainPolicy = NoChain(),
                AllowTlsResume = false,
            }).ConfigureAwait(false);
            return stream;
        }
        catch (Exception e) when (e is AuthenticationException or IOException or ArgumentException or InvalidOperationException)
        {
            throw Refuse(wire, judged);
        }
    }

    /// <exception cref="HandshakeException">The other side is not one of us.</exception>
    public async Task<SslStream> DialAsync(Wire wire)
    {
        var stream = new SslStream(wire, leaveInnerStreamOpen: true);
        bool judged = false;
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "singa",
                ClientCertificateContext = own,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, remote, _, _) => Accepts(remote, out judged),
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                CertificateChainPolicy = NoChain(),
                AllowTlsResume = false,
            }).ConfigureAwait(false);
            return stream;
        }
        catch (Exception e) when (e is AuthenticationException or ArgumentException or InvalidOperationException)
        {
            throw judged
                ? Refuse(wire, judged)
                : new HandshakeException(wire.IsEnded ? Refusal.HungUp : Refusal.Garbage, "it does not speak TLS as this cluster does");
        }
    }

    private bool Accepts(X509Certificate? remote, out bool judged)
    {
        judged = true;
        if (remote is not X509Certificate2 certificate)
            return false;
        return credentials.Accepts(certificate);
    }

    private static HandshakeException Refuse(Wire wire, bool judged)
    {
        if (judged)
            return new HandshakeException(Refusal.Stranger, "it shows no certificate of this cluster; its secret is another");
        // Having seen a certificate the other side broke off: ours was none for it.
        if (wire.Written > MoreThanAnAlert)
            return new HandshakeException(Refusal.Stranger, "it does not accept the certificate of this cluster; its secret is another");
        return wire.IsEnded
            ? new HandshakeException(Refusal.HungUp, "it hung up")
            : new HandshakeException(Refusal.Garbage, "it does not speak TLS");
    }

    // Credentials judge by themselves: nothing is looked up in the system's stores, which costs time on the first occasion.
    private static X509ChainPolicy NoChain() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };
}
