namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>What a process holds, by /proc.</summary>
internal static class Sockets
{
    private const string CloseWait = "08";

    /// <summary>Its sockets of all kinds, those that listen included.</summary>
    public static int Count(int process) => Inodes(process).Count;

    /// <summary>Connections that the other side has given up, and this one has not noticed: the ports of both.</summary>
    public static string[] HalfClosed(int process)
    {
        var mine = Inodes(process);
        return
        [
            .. new[] { "tcp", "tcp6" }.SelectMany(family => File.ReadLines($"/proc/{process}/net/{family}").Skip(1))
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(f => f[3] == CloseWait && mine.Contains(f[9]))
                .Select(f => $"{Port(f[1])} from {Port(f[2])}"),
        ];

        static int Port(string address) => Convert.ToInt32(address[(address.LastIndexOf(':') + 1)..], 16);
    }

    public static string[] Children(int process) =>
        [.. Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(t => File.ReadAllText(Path.Combine(t, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    private static HashSet<string> Inodes(int process) =>
    [
        .. Directory.EnumerateFiles($"/proc/{process}/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
            .Where(t => t.StartsWith("socket:[", StringComparison.Ordinal)).Select(t => t["socket:[".Length..^1]),
    ];
}
