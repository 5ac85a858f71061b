using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>The folder that data of jobs from elsewhere must lie in: whoever may submit jobs to a node may not read all of its files.</summary>
internal static class DataRoot
{
    /// <summary>The same data with every path absolute; relative ones count from <paramref name="root"/>.</summary>
    /// <exception cref="JobRefusedException">One lies outside, be it through links.</exception>
    public static DataSpec Confine(DataSpec data, string root)
    {
        return data switch
        {
            IdxData idx => idx with
            {
                TrainImages = Within(idx.TrainImages), TrainLabels = Within(idx.TrainLabels), TestImages = Maybe(idx.TestImages), TestLabels = Maybe(idx.TestLabels),
            },
            CifarData cifar => cifar with { Train = [.. cifar.Train.Select(Within)], Test = [.. cifar.Test.Select(Within)] },
            ImageData images => images with { Train = Within(images.Train), Test = Maybe(images.Test) },
            TextData text => text with { Path = Within(text.Path) },
            CsvData csv => csv with { Train = Within(csv.Train), Test = Maybe(csv.Test) },
            _ => data,
        };

        string? Maybe(string? path) => path is null ? null : Within(path);

        string Within(string path)
        {
            string top = Real(Path.GetFullPath(root)), full = Real(Path.GetFullPath(path, top));
            string relative = Path.GetRelativePath(top, full);
            if (relative == ".." || relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal) || Path.IsPathRooted(relative))
                throw new JobRefusedException($"{path} is not under this node's data root {top} (singa.data.root, --data-root); put the data there or start the node with another root");
            return full;
        }
    }

    /// <summary>The path without links, as far as it exists.</summary>
    private static string Real(string path)
    {
        string real = Path.GetPathRoot(path)!;
        foreach (string part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            FileSystemInfo info = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            real = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? next;
        }

        return real;
    }
}
