using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class IdxDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reads_images_and_labels_plain_or_zipped(bool zipped)
    {
        var images = Idx.Images(3, 2, 4);
        var labels = Idx.Labels(7, 0, 9);
        var data = Files(zipped ? Idx.Gzip(images) : images, zipped ? Idx.Gzip(labels) : labels);

        var dataset = await DataLoader.LoadAsync(data, 1);

        Assert.Equal(3, dataset.Train.Count);
        Assert.Equal(new TensorType(DType.Float32, Shape.Of(1, 2, 4)), dataset.Train.Sample);
        Assert.Equal(dataset.Description, DataLoader.Describe(data));
        var (inputs, read) = dataset.Train.Read<float, int>(0, 2, 0);
        Assert.Equal([9, 7], read);
        var normalisation = dataset.Normalisation!;
        Assert.Equal((float)(((byte)(16 * 7) / 255.0 - normalisation.Means[0]) / normalisation.StandardDeviations[0]), inputs[0]);
        Assert.Equal((float)((7 / 255.0 - normalisation.Means[0]) / normalisation.StandardDeviations[0]), inputs[9]);
    }

    [Fact]
    public async Task The_test_set_is_normalised_with_the_training_sets_figures()
    {
        var data = Files(Idx.Images(2, 2, 2), Idx.Labels(0, 1)) with
        {
            TestImages = folder.Write("ti", Idx.Images(1, 2, 2, _ => 255)),
            TestLabels = folder.Write("tl", Idx.Labels(1)),
        };
        var dataset = await DataLoader.LoadAsync(data, 1);
        var (inputs, _) = dataset.Test!.Read<float, int>(0, 0);
        Assert.Equal((float)((1 - dataset.Normalisation!.Means[0]) / dataset.Normalisation.StandardDeviations[0]), inputs[3]);
    }

    public static TheoryData<string, byte[], byte[], string> Wrong => new()
    {
        { "swapped files", Idx.Labels(1), Idx.Images(1, 2, 2), "images and labels swapped" },
        { "no IDX at all", "hello, world, this is text"u8.ToArray(), Idx.Labels(1), "begins with 0x68656c6c, but an IDX file of images begins with 0x00000803" },
        { "empty file", [], Idx.Labels(1), "is incomplete: it ends within its first four bytes" },
        { "cut header", Idx.Images(1, 2, 2)[..9], Idx.Labels(1), "is incomplete: it ends within its header" },
        { "cut data", Idx.Images(5, 4, 4)[..^3], Idx.Labels(1, 2, 3, 4, 5), "is incomplete: its header promises 96 bytes, it has 93" },
        { "bytes too many", [.. Idx.Images(1, 2, 2), 0], Idx.Labels(1), "has bytes after the 4 its header promises" },
        { "cut gzip", Idx.Gzip(Idx.Images(50, 9, 9))[..^200], Idx.Labels(new byte[50]), "get it again" },
        { "gzip without its end", Idx.Gzip(Idx.Images(50, 9, 9))[..^4], Idx.Labels(new byte[50]), "is a truncated gzip file" },
        { "damaged gzip", Damage(Idx.Gzip(Idx.Images(50, 9, 9))), Idx.Labels(new byte[50]), "truncated or damaged gzip file" },
        { "promise no file can keep", Idx.Of(0x0803, [60_000, 28, 28], []), Idx.Labels(1), "is incomplete: its header promises 47,040,016 bytes, it has 16" },
        { "promise no gzip can keep", Idx.Gzip(Idx.Of(0x0803, [60_000, 28, 28], [])), Idx.Labels(1), "zipped ones cannot hold" },
        { "promise beyond memory", Idx.Of(0x0803, [int.MaxValue, 28, 28], []), Idx.Labels(1), "more than 2 GiB" },
        { "no images", Idx.Images(0, 28, 28), Idx.Labels(1), "holds no images" },
        { "label out of range", Idx.Images(3, 2, 2), Idx.Labels(0, 10, 1), "has label 10 at position 1, outside 0 … 9" },
        { "fewer labels than images", Idx.Images(3, 2, 2), Idx.Labels(0, 1), "holds 3 images, but" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Refuses_wrong_files_in_one_sentence_that_names_the_file(string what, byte[] images, byte[] labels, string sentence)
    {
        var data = Files(images, labels);
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.Contains(sentence, refusal.Message);
        Assert.True(refusal.Message.Contains(folder["images"]) || refusal.Message.Contains(folder["labels"]), what);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task Refuses_a_missing_file_by_its_name()
    {
        var data = new IdxData { TrainImages = folder["nowhere"], TrainLabels = folder["labels"] };
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.Contains($"there is no file {folder["nowhere"]}", refusal.Message);
        Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data));
    }

    [Fact]
    public async Task Refuses_test_images_of_another_size_and_half_a_test_set()
    {
        var data = Files(Idx.Images(2, 2, 2), Idx.Labels(0, 1)) with { TestImages = folder.Write("ti", Idx.Images(1, 3, 2)) };
        var half = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.Contains("belong together", half.Message);
        data = data with { TestLabels = folder.Write("tl", Idx.Labels(1)) };
        var size = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.Contains("3×2", size.Message);
    }

    private IdxData Files(byte[] images, byte[] labels) =>
        new() { TrainImages = folder.Write("images", images), TrainLabels = folder.Write("labels", labels) };

    private static byte[] Damage(byte[] zipped)
    {
        zipped[^6] ^= 0x55;
        return zipped;
    }
}
