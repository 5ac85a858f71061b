using System.Runtime.ExceptionServices;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>Folders of images, each decoded once and kept as bytes at the size that is looked at.</summary>
internal static class ImageLoader
{
    public static Dataset Load(ImageData data, ulong jobSeed, CancellationToken cancellation)
    {
        Check(data);
        var (folder, testFolder) = ImageFolder.Of(data);
        CheckMemory(data, folder.Files.Length + (testFolder?.Files.Length ?? 0));
        var images = Decode(data, folder.Files, cancellation);
        var (trained, held) = testFolder is null
            ? HeldBack.Split(images.Length, data.TestFraction, data.Seed ?? jobSeed, data.Train) : (HeldBack.All(images.Length), []);
        var normalisation = ChannelFigures.Of(trained.Select(i => images[i]), data.Channels);
        var train = Source(folder, images, trained, data.Augmentation.IsNone ? null : new Augmenter(data.Augmentation, jobSeed));
        var test = testFolder is not null ? Source(testFolder, Decode(data, testFolder.Files, cancellation), HeldBack.All(testFolder.Files.Length), null)
            : held.Length > 0 ? Source(folder, images, held, null) : null;
        return new Dataset(train, test, normalisation) { ClassNames = folder.Classes };

        ByteImages Source(ImageFolder from, ReadOnlyMemory<byte>[] all, int[] chosen, Augmenter? augmenter) => new(
            Shape.Of(data.Channels, Side(data), Side(data)), chosen.Select(i => all[i]), [.. chosen.Select(i => from.Labels[i])], folder.Classes.Count,
            normalisation, Shape.Of(data.Channels, data.Size, data.Size), augmenter);
    }

    /// <summary>The folders are listed, the images are not read.</summary>
    public static DataDescription Describe(ImageData data)
    {
        Check(data);
        var (train, test) = ImageFolder.Of(data);
        int held = test is null ? HeldBack.Count(train.Files.Length, data.TestFraction, data.Train) : 0;
        return new DataDescription(
            new TensorType(DType.Float32, Shape.Of(data.Channels, data.Size, data.Size)), new TensorType(DType.Int32, Shape.Scalar), train.Classes.Count,
            train.Files.Length - held, test?.Files.Length ?? held)
        {
            ClassNames = train.Classes,
        };
    }

    private static int Side(ImageData data) => data.Resize == 0 ? data.Size : data.Resize;

    /// <summary>All at once on all cores; of several damaged files the first is named, whoever met it.</summary>
    private static ReadOnlyMemory<byte>[] Decode(ImageData data, string[] files, CancellationToken cancellation)
    {
        var images = new ReadOnlyMemory<byte>[files.Length];
        var faults = new ExceptionDispatchInfo?[files.Length];
        Parallel.For(0, files.Length, new ParallelOptions { CancellationToken = cancellation }, (i, loop) =>
        {
            try
            {
                images[i] = Resampling.Square(ImageFile.Read(files[i], data.Channels), Side(data));
            }
            catch (JobRefusedException exception)
            {
                faults[i] = ExceptionDispatchInfo.Capture(exception);
                // Files before this one are still looked at.
                loop.Break();
            }
        });
        Array.Find(faults, f => f is not null)?.Throw();
        return images;
    }

    private static void Check(ImageData data)
    {
        if (data.Size is < 1 or > ImageData.SizeMax)
            throw new JobRefusedException($"data.size is {data.Size}; it must be within 1 … {ImageData.SizeMax}");
        if (data.Resize != 0 && (data.Resize < data.Size || data.Resize > ImageData.SizeMax))
            throw new JobRefusedException($"data.resize is {data.Resize}; it must be within data.size, {data.Size}, … {ImageData.SizeMax}");
        if (data.Channels is not (1 or 3))
            throw new JobRefusedException($"data.channels is {data.Channels}; it can be 1 or 3");
        if (data.Augmentation.CropPadding < 0 || data.Augmentation.CropPadding > data.Size)
            throw new JobRefusedException($"data.augment.crop-padding is {data.Augmentation.CropPadding}; it must be within 0 … data.size, {data.Size}");
    }

    private static void CheckMemory(ImageData data, long count)
    {
        long bytes = count * data.Channels * Side(data) * Side(data), all = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > all)
            throw new JobRefusedException($"{count:N0} images of {Side(data)}×{Side(data)} take {bytes:N0} bytes, more than the {all:N0} of this machine; set a smaller data.size");
    }
}
