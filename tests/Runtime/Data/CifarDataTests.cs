using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class CifarDataTests : IDisposable
{
    private const int Pixels = 3072;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_folder_stands_for_its_batches_in_order_of_names()
    {
        folder.Write("data_batch_2.bin", Cifar10(3, first: 2));
        folder.Write("data_batch_1.bin", Cifar10(2));
        folder.Write("test_batch.bin", Cifar10(1, first: 7));
        folder.Write("readme.html", [1]);
        var data = new CifarData { Train = [folder.Path] };
        var dataset = await DataLoader.LoadAsync(data, 1);

        Assert.Equal(dataset.Description, DataLoader.Describe(data));
        Assert.Equal(new DataDescription(new TensorType(DType.Float32, Shape.Of(3, 32, 32)), new TensorType(DType.Int32, Shape.Scalar), 10, 5, 1), dataset.Description);
        Assert.Equal([0, 1, 2, 3, 4], dataset.Train.Read<float, int>(0, 0, 1, 2, 3, 4).Labels);
        Assert.Equal([7], dataset.Test!.Read<float, int>(0, 0).Labels);
    }

    [Fact]
    public async Task Each_channel_is_normalised_by_its_own_figures_over_the_training_images()
    {
        var data = new CifarData { Train = [folder.Write("a", Cifar10(4))], Test = [folder.Write("t", Cifar10(1, first: 9))] };
        var dataset = await DataLoader.LoadAsync(data, 1);
        for (int channel = 0; channel < 3; channel++)
        {
            var values = Enumerable.Range(0, 4).SelectMany(image => Enumerable.Range(channel * 1024, 1024).Select(p => Pixel(image, p) / 255.0)).ToArray();
            double mean = values.Average(), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
            Assert.Equal(mean, dataset.Normalisation!.Means[channel], 1e-12);
            Assert.Equal(deviation, dataset.Normalisation.StandardDeviations[channel], 1e-12);
            var (inputs, _) = dataset.Test!.Read<float, int>(0, 0);
            Assert.Equal((Pixel(9, channel * 1024 + 33) / 255.0 - mean) / deviation, inputs[channel * 1024 + 33], 1e-5);
        }
    }

    [Theory]
    [InlineData(false, 100, 42)]
    [InlineData(true, 20, 7)]
    public async Task Of_two_labels_the_fine_or_the_coarse_one_is_taken(bool coarse, int classes, int label)
    {
        var data = new CifarData { Train = [folder.Write("train.bin", [7, 42, .. Image(3)])], Classes = 100, Coarse = coarse };
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal(classes, dataset.Train.Classes);
        var (inputs, labels) = dataset.Train.Read<float, int>(0, 0);
        Assert.Equal([label], labels);
        Assert.Equal((float)((Pixel(3, 5) / 255.0 - dataset.Normalisation!.Means[0]) / dataset.Normalisation.StandardDeviations[0]), inputs[5]);
    }

    /// <summary>Each augmented image is some window of the padded one, mirrored or not; all of them occur, and who asks makes no difference.</summary>
    [Fact]
    public async Task Augmentation_cuts_windows_out_of_the_padded_image_and_mirrors_half()
    {
        const int padding = 2;
        string file = folder.Write("a", Cifar10(3));
        var plain = await DataLoader.LoadAsync(new CifarData { Train = [file] }, 1);
        var data = new CifarData { Train = [file], Test = [file], Augmentation = new Augmentation { CropPadding = padding, Flip = true } };
        var (train, again, other) = (await DataLoader.LoadAsync(data, 1), await DataLoader.LoadAsync(data, 1), await DataLoader.LoadAsync(data, 2));
        var views = new List<(int, int, bool)>();
        for (int epoch = 0; epoch < 120; epoch++)
        {
            var (inputs, _) = train.Train.Read<float, int>(epoch, 2, 0, 1);
            Assert.Equal(again.Train.Read<float, int>(epoch, 1).Inputs, inputs[(2 * Pixels)..]);
            views.Add(View(plain, 1, inputs[(2 * Pixels)..], padding));
        }

        Assert.Equal(5, views.Select(v => v.Item1).Distinct().Count());
        Assert.Equal(5, views.Select(v => v.Item2).Distinct().Count());
        Assert.InRange(views.Count(v => v.Item3), 40, 80);
        Assert.NotEqual(train.Train.Read<float, int>(0, 0).Inputs.Concat(train.Train.Read<float, int>(1, 0).Inputs),
            other.Train.Read<float, int>(0, 0).Inputs.Concat(other.Train.Read<float, int>(1, 0).Inputs));
        Assert.Equal(plain.Train.Read<float, int>(0, 0, 1, 2).Inputs, train.Test!.Read<float, int>(9, 0, 1, 2).Inputs);
    }

    public static TheoryData<byte[], int, string> Wrong => new()
    {
        { [], 10, "is empty" },
        { Cifar10(2)[..^1], 10, "has 6,145 bytes, which are no whole records of 3,073, as CIFAR-10 has them; get it again" },
        { Cifar10(2), 100, "no whole records of 3,074, as CIFAR-100 has them; set data.classes = 10" },
        { [1, 2, .. Image(0)], 10, "no whole records of 3,073, as CIFAR-10 has them; set data.classes = 100" },
        { [.. Cifar10(1), 10, .. Image(0)], 10, "has label 10 in record 1, outside 0 … 9" },
        { [1, 100, .. Image(0)], 100, "has label 100 in record 0, outside 0 … 99" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Refuses_wrong_files_in_one_sentence_that_names_the_file(byte[] content, int classes, string sentence)
    {
        var data = new CifarData { Train = [folder.Write("a", content)], Classes = classes };
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.StartsWith(folder["a"], refusal.Message);
        Assert.Contains(sentence, refusal.Message);
    }

    [Fact]
    public void Refuses_what_is_not_there()
    {
        Refused(new CifarData { Train = [folder["none"]] }, "there is no file");
        Refused(new CifarData { Train = [folder.Path] }, "has no data_batch_*.bin and no train.bin");
        Refused(new CifarData { Train = [folder.Write("a", Cifar10(1))], Test = [folder.Path] }, "has no test_batch.bin and no test.bin");
        Refused(new CifarData { Train = [] }, "names no file");
        Refused(new CifarData { Train = [folder["a"]], Classes = 20 }, "CIFAR has 10 or 100");
        Refused(new CifarData { Train = [folder["a"]], Coarse = true }, "set data.classes = 100");
    }

    /// <summary>Whatever is in a file: it is CIFAR, or a refusal.</summary>
    [Fact]
    public async Task Garbage_is_read_or_refused()
    {
        var random = new Random(6);
        for (int i = 0; i < 100; i++)
        {
            int classes = i % 2 == 0 ? 10 : 100;
            var content = new byte[i % 4 < 3 ? random.Next(5) * (Pixels + (classes == 100 ? 2 : 1)) : random.Next(10_000)];
            random.NextBytes(content);
            try
            {
                var dataset = await DataLoader.LoadAsync(new CifarData { Train = [folder.Write("a", content)], Classes = classes, Coarse = classes == 100 }, 1);
                dataset.Train.Read<float, int>(i, dataset.Train.Count - 1);
            }
            catch (JobRefusedException)
            {
            }
        }
    }

    private static void Refused(CifarData data, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data)).Message);

    /// <summary>Which window of the padded image it is.</summary>
    private static (int Row, int Column, bool Flipped) View(Dataset plain, int sample, float[] seen, int padding)
    {
        var (image, _) = plain.Train.Read<float, int>(0, sample);
        var black = Enumerable.Range(0, 3).Select(c => plain.Normalisation!.Table(c)[0]).ToArray();
        for (int row = -padding; row <= padding; row++)
        {
            for (int column = -padding; column <= padding; column++)
            {
                foreach (bool flipped in new[] { false, true })
                {
                    if (Enumerable.Range(0, Pixels).All(p => seen[p] == Expected(p, row, column, flipped)))
                        return (row, column, flipped);
                }
            }
        }

        throw new Xunit.Sdk.XunitException("it is no window of the image");

        float Expected(int place, int row, int column, bool flipped)
        {
            int channel = place / 1024, y = place / 32 % 32 + row, x = (flipped ? 31 - place % 32 : place % 32) + column;
            return y is >= 0 and < 32 && x is >= 0 and < 32 ? image[channel * 1024 + y * 32 + x] : black[channel];
        }
    }

    /// <summary>Image i has label i (mod 10).</summary>
    private static byte[] Cifar10(int count, int first = 0) =>
        [.. Enumerable.Range(first, count).SelectMany(i => (byte[])[(byte)(i % 10), .. Image(i)])];

    private static byte[] Image(int number) => [.. Enumerable.Range(0, Pixels).Select(p => Pixel(number, p))];

    private static byte Pixel(int image, int place) => (byte)((image * 7919 + place * place * 31 + place * 17) >> 3);
}
