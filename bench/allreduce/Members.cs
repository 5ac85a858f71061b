using System.Diagnostics;
using System.Globalization;

namespace Singa.Actors.Bench.AllReduce;

/// <summary>Starts the processes and introduces them to each other.</summary>
internal static class Members
{
    /// <returns>Seconds by bytes.</returns>
    public static Dictionary<long, double> Run(int count, string secret)
    {
        var members = Enumerable.Range(0, count).Select(rank => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["member", $"{rank}", $"{count}", secret, string.Join(',', Sizes.All.Select(s => s.Bytes))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!).ToArray();
        try
        {
            string[] peers = [.. members.Select(m => m.StandardOutput.ReadLine() ?? throw new InvalidOperationException("a member ended early"))];
            foreach (var member in members)
                member.StandardInput.WriteLine(string.Join('\n', peers));
            Dictionary<long, double> seconds = [];
            foreach (var member in members)
            {
                for (string? line; (line = member.StandardOutput.ReadLine()) != "done";)
                {
                    string[] parts = (line ?? throw new InvalidOperationException("a member ended early")).Split(' ');
                    seconds.Add(long.Parse(parts[0]), double.Parse(parts[1], CultureInfo.InvariantCulture));
                }
            }

            foreach (var member in members)
                member.StandardInput.WriteLine();
            foreach (var member in members)
                member.WaitForExit();
            return seconds;
        }
        finally
        {
            foreach (var member in members)
            {
                if (!member.HasExited)
                    member.Kill();
                member.Dispose();
            }
        }
    }
}
