namespace Singa.Actors.Runtime.Tests;

/// <summary>Data that lies beside the repository where somebody put it there; tests that need it are skipped elsewhere.</summary>
internal static class SharedData
{
    /// <summary>The path in the nearest <c>shared/data</c> above the repository, or null.</summary>
    public static string? Find(params string[] parts)
    {
        for (var folder = new DirectoryInfo(Repository.Path()).Parent; folder is not null; folder = folder.Parent)
        {
            string path = System.IO.Path.Combine([folder.FullName, "shared", "data", .. parts]);
            if (System.IO.Path.Exists(path))
                return path;
        }

        return null;
    }
}
