using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>Images and labels that belong together, checked against each other.</summary>
internal static class IdxLoader
{
    public static Dataset Load(IdxData data, CancellationToken cancellation)
    {
        CheckClasses(data);
        var (images, labels) = ReadPair(data.TrainImages, data.TrainLabels, data.Classes);
        cancellation.ThrowIfCancellationRequested();
        var normalisation = Normalisation.Of(images.Values);
        var train = Source(images, labels, data.Classes, normalisation);
        if (TestFiles(data) is not var (testImages, testLabels))
            return new Dataset(train, null, normalisation);

        var (heldImages, heldLabels) = ReadPair(testImages, testLabels, data.Classes);
        if (heldImages.Dimensions[1] != images.Dimensions[1] || heldImages.Dimensions[2] != images.Dimensions[2])
        {
            throw new JobRefusedException(
                $"{heldImages.Path} has images of {Size(heldImages.Dimensions)}, {images.Path} of {Size(images.Dimensions)}; both must be of one size");
        }

        return new Dataset(train, Source(heldImages, heldLabels, data.Classes, normalisation), normalisation);
    }

    public static DataDescription Describe(IdxData data)
    {
        CheckClasses(data);
        var dimensions = IdxFile.ReadDimensions(data.TrainImages, IdxFile.ImagesRank);
        long test = TestFiles(data) is var (images, _) ? IdxFile.ReadDimensions(images, IdxFile.ImagesRank)[0] : 0;
        var sample = new TensorType(DType.Float32, Shape.Of(1, dimensions[1], dimensions[2]));
        return new DataDescription(sample, new TensorType(DType.Int32, Shape.Scalar), data.Classes, dimensions[0], test);
    }

    private static (IdxFile Images, IdxFile Labels) ReadPair(string imagesPath, string labelsPath, int classes)
    {
        var images = IdxFile.Read(imagesPath, IdxFile.ImagesRank);
        var labels = IdxFile.Read(labelsPath, IdxFile.LabelsRank);
        if (images.Dimensions[0] != labels.Dimensions[0])
        {
            throw new JobRefusedException(
                $"{images.Path} holds {images.Dimensions[0]:N0} images, but {labels.Path} {labels.Dimensions[0]:N0} labels; give the files that belong together");
        }

        int wrong = labels.Values.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(classes - 1));
        if (wrong >= 0)
        {
            throw new JobRefusedException(
                $"{labels.Path} has label {labels.Values[wrong]} at position {wrong}, outside 0 … {classes - 1}; correct the file or set data.classes");
        }

        return (images, labels);
    }

    private static ByteImages Source(IdxFile images, IdxFile labels, int classes, Normalisation normalisation) =>
        new(Shape.Of(1, images.Dimensions[1], images.Dimensions[2]), images.Values, labels.Values, classes, normalisation);

    private static (string Images, string Labels)? TestFiles(IdxData data) => (data.TestImages, data.TestLabels) switch
    {
        (null, null) => null,
        ({ } images, { } labels) => (images, labels),
        _ => throw new JobRefusedException("data.test-images and data.test-labels belong together; give both or neither"),
    };

    private static void CheckClasses(IdxData data)
    {
        if (data.Classes is < 2 or > 256)
            throw new JobRefusedException($"data.classes is {data.Classes}, but IDX labels are bytes: it must be within 2 … 256");
    }

    private static string Size(int[] dimensions) => $"{dimensions[1]}×{dimensions[2]}";
}
