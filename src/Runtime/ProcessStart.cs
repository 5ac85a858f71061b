using System.Diagnostics;

namespace Singa.Actors.Runtime;

/// <summary>When this process began: from then on its user waits for the first step.</summary>
internal static class ProcessStart
{
    public static DateTimeOffset Time { get; } = Read();

    private static DateTimeOffset Read()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime;
    }
}
