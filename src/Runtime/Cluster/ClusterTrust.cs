using Akka.Configuration;
using Singa.Actors.Collective;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>Reads what a node shows and whom it believes.</summary>
internal static class ClusterTrust
{
    /// <returns>Null where neither a secret nor certificates are set: the node stays on loopback.</returns>
    /// <exception cref="ConfigurationException">The secret is none, certificates cannot be used, or both are set.</exception>
    public static PeerCredentials? From(Config cluster, string? secret)
    {
        secret = string.IsNullOrWhiteSpace(secret) ? cluster.GetString("secret") : secret;
        var (certificate, key, authority) = (cluster.GetString("tls.certificate"), cluster.GetString("tls.key"), cluster.GetString("tls.ca"));
        bool certificates = certificate.Length + key.Length + authority.Length > 0;
        if (secret.Length > 0 && certificates)
            throw new ConfigurationException($"there are a secret ({ClusterSettings.SecretVariable} or singa.cluster.secret) and singa.cluster.tls; a cluster has one or the other");
        if (certificates && (certificate.Length == 0 || key.Length == 0 || authority.Length == 0))
            throw new ConfigurationException("singa.cluster.tls needs all three: certificate, key and ca, as files in PEM");
        try
        {
            return certificates ? PeerCredentials.OfAuthority(certificate, key, authority) : secret.Length > 0 ? PeerCredentials.OfSecret(secret) : null;
        }
        catch (DataPlaneException exception)
        {
            throw new ConfigurationException(exception.Message, exception);
        }
    }
}
