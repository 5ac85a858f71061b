using System.Security.Cryptography;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class ImageDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_folder_is_a_class_and_all_is_in_order_of_names()
    {
        Write("b/2.png", Pictures.Png(4, 4, 3, (x, y, c) => (byte)(x + 4 * y + 100 * c)));
        Write("b/10.PNG", Pictures.Png(4, 4, 1, (_, _, _) => 7));
        Write("a/x.bmp", Pictures.Bmp(4, 4, (x, y, c) => (byte)(10 * x + 50 * y + c)));
        Write("a/readme.txt", [1]);
        Write(".hidden/x.png", [1]);
        var data = new ImageData { Train = folder.Path, TestFraction = 0, Size = 4 };
        var dataset = await DataLoader.LoadAsync(data, 1);

        Assert.Equal(dataset.Description, DataLoader.Describe(data));
        Assert.Equal(["a", "b"], dataset.Description.ClassNames);
        Assert.Equal(new TensorType(DType.Float32, Shape.Of(3, 4, 4)), dataset.Train.Sample);
        Assert.Equal([0, 1, 1], dataset.Train.Read<float, int>(0, 0, 1, 2).Labels);
        var images = Assert.IsType<ByteImages>(dataset.Train);
        Assert.Equal(Enumerable.Range(0, 48).Select(p => (byte)(10 * (p % 4) + 50 * (p / 4 % 4) + p / 16)), images.Pixels(0).ToArray());
        Assert.All(images.Pixels(1).ToArray(), value => Assert.Equal(7, value));
        Assert.Equal(Enumerable.Range(0, 48).Select(p => (byte)(p % 16 + 100 * (p / 16))), images.Pixels(2).ToArray());
        for (int channel = 0; channel < 3; channel++)
        {
            var values = Enumerable.Range(0, 3).SelectMany(i => images.Pixels(i).Slice(16 * channel, 16).ToArray()).Select(v => v / 255.0).ToArray();
            Assert.Equal(values.Average(), dataset.Normalisation!.Means[channel], 1e-12);
        }
    }

    [Fact]
    public async Task Train_and_test_lie_beside_each_other_or_are_named_or_a_part_is_held_back()
    {
        foreach (string part in new[] { "train", "val" })
        {
            for (int i = 0; i < 10; i++)
                Write($"{part}/{(i % 2 == 0 ? "even" : "odd")}/{i}.png", Pictures.Png(2, 2, 1, (_, _, _) => (byte)i));
        }

        var both = await DataLoader.LoadAsync(new ImageData { Train = folder.Path, Size = 2, Channels = 1 }, 1);
        Assert.Equal((10L, 10L), (both.Train.Count, both.Test!.Count));
        var named = new ImageData { Train = folder["train"], Test = folder["val"], Size = 2, Channels = 1 };
        Assert.Equal(both.Description, DataLoader.Describe(named));
        var held = named with { Test = null, TestFraction = 0.3 };
        Assert.Equal((7L, 3L), (DataLoader.Describe(held).TrainCount, DataLoader.Describe(held).TestCount));
        var dataset = await DataLoader.LoadAsync(held, 1);
        Assert.Equal(DataLoader.Describe(held), dataset.Description);
        var (train, test) = (Values(dataset.Train), Values(dataset.Test!));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (byte)i), train.Concat(test).Order());
        Assert.NotEqual(test, Values((await DataLoader.LoadAsync(held, 5)).Test!));
        Assert.Equal(test, Values((await DataLoader.LoadAsync(held with { Seed = 1 }, 5)).Test!));
        Assert.All(Enumerable.Range(0, 7), i => Assert.Equal(train[i] % 2, dataset.Train.Read<float, int>(0, i).Labels[0]));

        static byte[] Values(ISampleSource source) => [.. Enumerable.Range(0, (int)source.Count).Select(i => ((ByteImages)source).Pixels(i)[0])];
    }

    [Fact]
    public async Task The_middle_square_is_brought_to_size()
    {
        // 6×4: the square is columns 1 to 4; halved, each pixel is the middle of what lies around it.
        Write("a/x.png", Pictures.Png(6, 4, 1, (x, y, _) => (byte)(x is 0 or 5 ? 255 : 20 * x + 2 * y)));
        Write("b/x.png", Pictures.Png(1, 1, 1, (_, _, _) => 99));
        var dataset = await DataLoader.LoadAsync(new ImageData { Train = folder.Path, TestFraction = 0, Size = 2, Channels = 1 }, 1);
        var images = (ByteImages)dataset.Train;
        Assert.All(images.Pixels(1).ToArray(), value => Assert.Equal(99, value));
        var small = images.Pixels(0).ToArray();
        Assert.InRange(small[0], 33, 36);
        Assert.InRange(small[1] - small[0], 32, 37);
        Assert.InRange(small[2] - small[0], 3, 4);

        var same = await DataLoader.LoadAsync(new ImageData { Train = folder.Path, TestFraction = 0, Size = 4, Channels = 1 }, 1);
        Assert.Equal(Enumerable.Range(0, 16).Select(p => (byte)(20 * (p % 4 + 1) + 2 * (p / 4))), ((ByteImages)same.Train).Pixels(0).ToArray());
    }

    [Fact]
    public async Task Windows_of_larger_images_are_their_middle_or_drawn_in_training()
    {
        Write("a/x.png", Pictures.Png(6, 6, 1, (x, y, _) => (byte)(10 * y + x)));
        Write("b/x.png", Pictures.Png(6, 6, 1, (x, y, _) => (byte)(10 * y + x)));
        var data = new ImageData { Train = folder.Path, Test = folder.Path, Size = 4, Resize = 6, Channels = 1 };
        var plain = await DataLoader.LoadAsync(data, 1);
        var table = plain.Normalisation!.Table(0);
        var middle = Enumerable.Range(0, 16).Select(p => table[10 * (p / 4 + 1) + p % 4 + 1]).ToArray();
        Assert.Equal(middle, plain.Train.Read<float, int>(3, 0).Inputs);

        var drawn = await DataLoader.LoadAsync(data with { Augmentation = new Augmentation { Crop = true } }, 1);
        Assert.Equal(middle, drawn.Test!.Read<float, int>(3, 0).Inputs);
        var corners = Enumerable.Range(0, 100).Select(epoch => Array.IndexOf(table, drawn.Train.Read<float, int>(epoch, 1).Inputs[0])).Distinct().Order();
        Assert.Equal([0, 1, 2, 10, 11, 12, 20, 21, 22], corners);
    }

    /// <summary>What was compressed loses something, and the same on every machine: the bytes below are the library's whole-number arithmetic.</summary>
    [Fact]
    public async Task JPEG_is_read_alike_everywhere()
    {
        Write("a/x.jpg", Pictures.Jpeg);
        Write("b/x.jpeg", Pictures.ProgressiveJpeg);
        var dataset = await DataLoader.LoadAsync(new ImageData { Train = folder.Path, TestFraction = 0, Size = 16 }, 1);
        var images = (ByteImages)dataset.Train;
        Assert.Equal(images.Pixels(0).ToArray(), images.Pixels(1).ToArray());
        int far = Enumerable.Range(0, 768).Count(p => Math.Abs(images.Pixels(0)[p] - (9 * (p % 16 + 4) + 13 * (p / 16 % 16) * (p / 256 + 1)) % 256) > 60);
        Assert.InRange(far, 0, 200);
        Assert.Equal(Golden, Convert.ToHexStringLower(SHA256.HashData(images.Pixels(0))));
    }

    private const string Golden = "4a1845daa697d8f86ddc89efa225b45957afe59df288ae9a5ca2663c1e5716b0";

    public static TheoryData<string, byte[], string> Wrong => new()
    {
        { "text", "this is no image"u8.ToArray(), "is no PNG, JPEG or BMP image" },
        { "nothing", [], "is no PNG, JPEG or BMP image" },
        { "cut PNG", Png[..^6], "is a damaged image: it is cut off" },
        { "PNG of a signature", Png[..8], "it is cut off" },
        { "wrong bit", [.. Png[..45], (byte)(Png[45] ^ 1), .. Png[46..]], "a checksum in it is wrong" },
        { "PNG with less data", Pictures.PngOf(4, 4, 1, new byte[19]), "its data is not what its header promises" },
        { "PNG with more data", Pictures.PngOf(4, 4, 1, new byte[21]), "its data is not what its header promises" },
        { "PNG bomb", Pictures.PngOf(4, 4, 1, new byte[1 << 22]), "its data is not what its header promises" },
        { "PNG of no size", Pictures.PngOf(0, 4, 1, []), "its header is damaged" },
        { "huge PNG", Pictures.PngOf(1 << 25, 1 << 25, 1, []), "its data is not what its header promises" },
        { "PNG with a filter that is none", Pictures.PngOf(4, 4, 1, [9, .. new byte[19]]), "it cannot be decoded" },
        { "cut JPEG", Pictures.Jpeg[..400], "it is cut off" },
        { "JPEG cut early", Pictures.Jpeg[..7], "it is cut off" },
        { "JPEG that promises too much", Promising(Pictures.Jpeg), "its header promises 24,000×16,000 pixels" },
        { "cut BMP", Pictures.Bmp(4, 4, (_, _, _) => 1)[..70], "it is cut off" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_damaged_image_is_refused_by_its_name(string what, byte[] content, string sentence)
    {
        for (int i = 0; i < 5; i++)
            Write($"a/{i}.png", Png);
        Write("b/x.png", content);
        Write("b/y.png", []);
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(new ImageData { Train = folder.Path }, 1));
        Assert.True(refusal.Message.StartsWith(Path.Combine(folder.Path, "b", "x.png"), StringComparison.Ordinal), $"{what}: {refusal.Message}");
        Assert.Contains(sentence, refusal.Message);
    }

    [Fact]
    public void Folders_that_are_none_are_refused()
    {
        var data = new ImageData { Train = folder.Path };
        Refused(data, "has no folders in it");
        Write("a/x.png", Png);
        Refused(data, "has one folder in it");
        Directory.CreateDirectory(folder["b"]);
        Refused(data, "has no image in it (*.png, *.jpg, *.jpeg, *.bmp)");
        Write("b/x.png", Png);
        using var test = new TemporaryFolder();
        Directory.CreateDirectory(test["c"]);
        Refused(data with { Test = test.Path }, "has a folder c, which is no class of the training images");
        Refused(new ImageData { Train = folder["none"] }, "there is no folder");
        Refused(new ImageData { Train = Path.Combine(folder["a"], "x.png") }, "x.png");
        Refused(data with { Size = 0 }, "data.size is 0");
        Refused(data with { Resize = 8 }, "data.resize is 8");
        Refused(data with { Channels = 2 }, "data.channels is 2");
        Refused(data with { TestFraction = 2 }, "data.test-fraction is 2");
        Refused(data with { Augmentation = new Augmentation { CropPadding = 99 } }, "crop-padding is 99");
    }

    /// <summary>Whatever is in a file: it is an image, or a refusal.</summary>
    [Fact]
    public void Garbage_is_read_or_refused()
    {
        var random = new Random(8);
        byte[][] images = [Png, Pictures.Bmp(9, 7, (x, y, c) => (byte)(x * y + c)), Pictures.Jpeg, Pictures.ProgressiveJpeg];
        int read = 0;
        for (int i = 0; i < 2000; i++)
        {
            var content = (byte[])images[i % images.Length].Clone();
            for (int changes = random.Next(4); changes > 0; changes--)
                content[random.Next(content.Length)] = (byte)random.Next(256);
            string path = folder.Write("x.png", random.Next(3) == 0 ? content[..random.Next(content.Length)] : content);
            try
            {
                read += Resampling.Square(ImageFile.Read(path, 1 + 2 * (i % 2)), 8).Length > 0 ? 1 : 0;
            }
            catch (JobRefusedException refusal)
            {
                Assert.StartsWith(path, refusal.Message);
            }
        }

        Assert.InRange(read, 200, 1800);
    }

    private static byte[] Png => Pictures.Png(5, 4, 3, (x, y, c) => (byte)(x * 40 + y * 9 + c));

    /// <summary>Another size in its frame header.</summary>
    private static byte[] Promising(byte[] jpeg)
    {
        var promising = (byte[])jpeg.Clone();
        int frame = promising.AsSpan().IndexOf<byte>([0xFF, 0xC0]);
        (promising[frame + 5], promising[frame + 6], promising[frame + 7], promising[frame + 8]) = (16_000 >> 8, 16_000 & 255, 24_000 >> 8, 24_000 & 255);
        return promising;
    }

    private void Write(string name, byte[] content)
    {
        string path = Path.Combine([folder.Path, .. name.Split('/')]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
    }

    private static void Refused(ImageData data, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data)).Message);
}
