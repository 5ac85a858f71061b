using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Files of data: what can go wrong with any of them is said here, once.</summary>
internal static class DataFile
{
    /// <exception cref="JobRefusedException">It is not there or cannot be opened.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new JobRefusedException($"there is no file {path}; correct the path in the job's data", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            string reason = Directory.Exists(path) ? "it is a folder; name a file" : exception.Message;
            throw new JobRefusedException($"{path} cannot be opened: {reason}", exception);
        }
    }

    /// <summary>As many bytes as there are, at most what fits.</summary>
    /// <exception cref="JobRefusedException">It cannot be read.</exception>
    public static int Fill(Stream content, string path, Span<byte> target)
    {
        try
        {
            return content.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        }
        catch (IOException exception)
        {
            throw new JobRefusedException($"{path} cannot be read: {exception.Message}", exception);
        }
    }
}
