namespace Singa.Actors.Runtime.Tests;

/// <summary>Files of the source tree that tests look at.</summary>
internal static class Repository
{
    private static readonly string Root = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    /// <summary>Data that is kept beside the repository, in some folder above it; where there is none, the test is skipped.</summary>
    public static string Shared(params string[] parts)
    {
        for (var folder = new DirectoryInfo(Root).Parent; folder is not null; folder = folder.Parent)
        {
            string path = System.IO.Path.Combine([folder.FullName, "shared", "data", .. parts]);
            if (File.Exists(path))
                return path;
        }

        throw new SkipException($"shared/data/{string.Join('/', parts)} is not there");
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Singa.Actors.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} has Singa.Actors.sln");
    }
}
