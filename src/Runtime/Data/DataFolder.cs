using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>What is in a folder, in ordinal order of names: every system lists it alike.</summary>
internal static class DataFolder
{
    private static readonly EnumerationOptions Visible = new() { MatchCasing = MatchCasing.CaseInsensitive };

    /// <summary>Files whose names match any of the patterns, each with <c>*</c> for anything.</summary>
    /// <exception cref="JobRefusedException">The folder cannot be read.</exception>
    public static string[] Files(string folder, params ReadOnlySpan<string> patterns)
    {
        var files = new List<string>();
        foreach (string pattern in patterns)
            files.AddRange(Listed(folder, () => Directory.GetFiles(folder, pattern, Visible)));
        return [.. files.Order(StringComparer.Ordinal)];
    }

    /// <exception cref="JobRefusedException"/>
    public static string[] Folders(string folder) => [.. Listed(folder, () => Directory.GetDirectories(folder, "*", Visible)).Order(StringComparer.Ordinal)];

    private static string[] Listed(string folder, Func<string[]> list)
    {
        try
        {
            return list();
        }
        catch (DirectoryNotFoundException exception)
        {
            throw new JobRefusedException($"there is no folder {folder}; correct the path in the job's data", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new JobRefusedException($"{folder} cannot be read: {exception.Message}", exception);
        }
    }
}
