namespace Singa.Actors.Cli.Tests.Clusters;

/// <summary>Data that is kept beside the repository, in some folder above it; where there is none, the test is skipped.</summary>
internal static class SharedData
{
    public static string Folder(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "shared", "data", name);
            if (Directory.Exists(path))
                return path;
        }

        throw new SkipException($"shared/data/{name} is not there");
    }
}
