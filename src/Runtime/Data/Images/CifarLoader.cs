using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>
/// CIFAR's binary files, held in memory as they are. Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009), and
/// the description beside its files.
/// </summary>
internal static class CifarLoader
{
    private const int PixelBytes = 3072, CoarseClasses = 20;

    private static readonly Shape Image = Shape.Of(3, 32, 32);
    private static readonly string[] TrainNames = ["data_batch_*.bin", "train.bin"];
    private static readonly string[] TestNames = ["test_batch.bin", "test.bin"];

    public static Dataset Load(CifarData data, ulong seed, CancellationToken cancellation)
    {
        Check(data);
        var (images, labels) = Read(data, TrainFiles(data), cancellation);
        var normalisation = ChannelFigures.Of(images, channels: 3);
        var train = new ByteImages(
            Image, images, labels, Classes(data), normalisation, Image, data.Augmentation.IsNone ? null : new Augmenter(data.Augmentation, seed));
        if (TestFiles(data) is not { Length: > 0 } files)
            return new Dataset(train, null, normalisation);
        var (heldImages, heldLabels) = Read(data, files, cancellation);
        return new Dataset(train, new ByteImages(Image, heldImages, heldLabels, Classes(data), normalisation), normalisation);
    }

    public static DataDescription Describe(CifarData data)
    {
        Check(data);
        return new DataDescription(
            new TensorType(DType.Float32, Image), new TensorType(DType.Int32, Shape.Scalar), Classes(data),
            TrainFiles(data).Sum(f => Count(data, f)), TestFiles(data).Sum(f => Count(data, f)));
    }

    private static int Classes(CifarData data) => data.Coarse ? CoarseClasses : data.Classes;

    private static int LabelBytes(int classes) => classes == 100 ? 2 : 1;

    private static string[] TrainFiles(CifarData data) => data.Train.Count == 0
        ? throw new JobRefusedException("data.train names no file; name CIFAR's binary files or their folder")
        : [.. data.Train.SelectMany(path => !Directory.Exists(path) ? [path]
            : DataFolder.Files(path, TrainNames) is { Length: > 0 } files ? files
            : throw new JobRefusedException($"{path} has no {string.Join(" and no ", TrainNames)}; name CIFAR's binary files one by one"))];

    private static string[] TestFiles(CifarData data) => data.Test.Count == 0
        ? [.. data.Train.Where(Directory.Exists).SelectMany(path => DataFolder.Files(path, TestNames))]
        : [.. data.Test.SelectMany(path => !Directory.Exists(path) ? [path]
            : DataFolder.Files(path, TestNames) is { Length: > 0 } files ? files
            : throw new JobRefusedException($"{path} has no {string.Join(" and no ", TestNames)}; name CIFAR's binary test file"))];

    private static (ReadOnlyMemory<byte>[] Images, int[] Labels) Read(CifarData data, string[] files, CancellationToken cancellation)
    {
        var (images, labels) = (new List<ReadOnlyMemory<byte>>(), new List<int>());
        int prefix = LabelBytes(data.Classes), record = prefix + PixelBytes;
        foreach (var path in files)
        {
            cancellation.ThrowIfCancellationRequested();
            var content = new byte[Count(data, path) * record];
            using var file = DataFile.Open(path);
            if (DataFile.Fill(file, path, content) < content.Length)
                throw new JobRefusedException($"{path} became shorter while it was read; wait until it is whole");
            for (int first = 0; first < content.Length; first += record)
            {
                int label = content[first + (data.Classes == 100 && !data.Coarse ? 1 : 0)];
                if (label >= Classes(data))
                    throw new JobRefusedException($"{path} has label {label} in record {first / record}, outside 0 … {Classes(data) - 1}; it is no file of CIFAR-{data.Classes}");
                images.Add(content.AsMemory(first + prefix, PixelBytes));
                labels.Add(label);
            }
        }

        return ([.. images], [.. labels]);
    }

    private static long Count(CifarData data, string path)
    {
        using var file = DataFile.Open(path);
        int record = LabelBytes(data.Classes) + PixelBytes, other = data.Classes == 100 ? 10 : 100;
        if (file.Length == 0)
            throw new JobRefusedException($"{path} is empty; get it again");
        if (file.Length > Array.MaxLength)
            throw new JobRefusedException($"{path} has {file.Length:N0} bytes; split it into files of less than 2 GiB");
        if (file.Length % record != 0)
        {
            string hint = file.Length % (LabelBytes(other) + PixelBytes) == 0 ? $"set data.classes = {other}" : "get it again";
            throw new JobRefusedException($"{path} has {file.Length:N0} bytes, which are no whole records of {record:N0}, as CIFAR-{data.Classes} has them; {hint}");
        }

        return file.Length / record;
    }

    private static void Check(CifarData data)
    {
        if (data.Classes is not (10 or 100))
            throw new JobRefusedException($"data.classes is {data.Classes}, but CIFAR has 10 or 100");
        if (data.Coarse && data.Classes != 100)
            throw new JobRefusedException("data.labels = coarse is for CIFAR-100; set data.classes = 100");
        if (data.Augmentation.CropPadding < 0 || data.Augmentation.CropPadding > Image[1])
            throw new JobRefusedException($"data.augment.crop-padding is {data.Augmentation.CropPadding}; it must be within 0 … {Image[1]}");
    }
}
