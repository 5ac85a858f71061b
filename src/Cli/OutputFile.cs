using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli;

/// <summary>Files that a command writes: whoever named a wrong one hears of it before an hour of training, not after.</summary>
internal static class OutputFile
{
    /// <exception cref="JobRefusedException"/>
    public static FileStream Create(string path) => Open(path, path, FileMode.Create, FileAccess.Write);

    /// <summary>With what it has, if it is there.</summary>
    /// <exception cref="JobRefusedException"/>
    public static FileStream Open(string path) => Open(path, path, FileMode.OpenOrCreate, FileAccess.ReadWrite);

    /// <summary>Whether a file could be written there, without touching one that exists.</summary>
    /// <exception cref="JobRefusedException"/>
    public static void Check(string path)
    {
        if (Directory.Exists(path))
            throw new JobRefusedException($"{path} cannot be written: it is a folder; name a file");
        string probe = $"{path}.{Environment.ProcessId}.probe";
        Open(path, probe, FileMode.Create, FileAccess.Write).Dispose();
        File.Delete(probe);
    }

    private static FileStream Open(string named, string path, FileMode mode, FileAccess access)
    {
        try
        {
            return new FileStream(path, mode, access, FileShare.Read);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new JobRefusedException($"{named} cannot be written: {exception.Message}", exception);
        }
    }
}
