using System.Globalization;
using Singa.Actors.Collective;

namespace Singa.Actors.Runtime.Cluster;

/// <summary>Which peer of the data plane a member is: members tell it as a role, so whoever knows a member knows that too.</summary>
internal static class PeerRole
{
    private const string Prefix = "peer|";

    public static string Of(PeerId peer) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{peer.Host}|{peer.Port}|{peer.Incarnation}");

    /// <returns>Null: it does not say.</returns>
    public static PeerId? Find(IEnumerable<string> roles) => roles.Select(Parse).FirstOrDefault(p => p is not null);

    private static PeerId? Parse(string role) =>
        role.StartsWith(Prefix, StringComparison.Ordinal) && role.Split('|') is [_, var host, var port, var incarnation]
        && int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && long.TryParse(incarnation, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long life)
            ? new PeerId(host, number, life)
            : null;
}
