using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>The image files of a folder whose folders are classes, class after class, each in ordinal order of names.</summary>
internal sealed record ImageFolder(Seq<string> Classes, string[] Files, int[] Labels)
{
    /// <param name="known">The classes where they are known already: the folder may leave some out and has no other.</param>
    /// <exception cref="JobRefusedException">There are no classes, or one is empty or unknown.</exception>
    public static ImageFolder List(string folder, Seq<string>? known = null)
    {
        string[] names = [.. DataFolder.Folders(folder).Select(f => Path.GetFileName(f)!)];
        if (names.Length == 0 || (known is null && names.Length < 2))
            throw new JobRefusedException($"{folder} has {(names.Length == 0 ? "no folders" : "one folder")} in it; give each class a folder with its images");
        var classes = known ?? names.ToSeq();
        var (files, labels) = (new List<string>(), new List<int>());
        foreach (string name in names)
        {
            int label = classes.IndexOf(name);
            if (label < 0)
                throw new JobRefusedException($"{folder} has a folder {name}, which is no class of the training images; remove it or train on such images too");
            string[] images = DataFolder.Files(Path.Combine(folder, name), ImageFile.Patterns);
            if (images.Length == 0)
                throw new JobRefusedException($"{Path.Combine(folder, name)} has no image in it ({string.Join(", ", ImageFile.Patterns)}); give it some or remove it");
            files.AddRange(images);
            labels.AddRange(Enumerable.Repeat(label, images.Length));
        }

        return new ImageFolder(classes, [.. files], [.. labels]);
    }

    /// <summary>The training images and, if there are any apart from these, those of the test.</summary>
    /// <exception cref="JobRefusedException"/>
    public static (ImageFolder Train, ImageFolder? Test) Of(ImageData data)
    {
        var (train, test) = (data.Train, data.Test);
        string inside = Path.Combine(data.Train, "train");
        string? beside = new[] { "test", "val" }.Select(name => Path.Combine(data.Train, name)).FirstOrDefault(Directory.Exists);
        if (test is null && Directory.Exists(inside) && beside is not null)
            (train, test) = (inside, beside);
        var training = List(train);
        return (training, test is null ? null : List(test, training.Classes));
    }
}
