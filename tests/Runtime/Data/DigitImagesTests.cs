using System.Security.Cryptography;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Digits;

namespace Singa.Actors.Runtime.Tests.Data;

[Collection(Busy.Name)]
public sealed class DigitImagesTests
{
    [Fact]
    public void An_image_is_a_pure_function_of_seed_purpose_and_number()
    {
        var (pixels, labels) = DigitImages.Generate(1, "train", 50);
        var (again, labelsAgain) = DigitImages.Generate(1, "train", 20);
        Assert.Equal(pixels[..again.Length], again);
        Assert.Equal(labels[..20], labelsAgain);
        Assert.NotEqual(pixels, DigitImages.Generate(2, "train", 50).Pixels);
        Assert.NotEqual(pixels, DigitImages.Generate(1, "test", 50).Pixels);
    }

    [Fact]
    public void The_images_are_the_same_on_every_machine()
    {
        var (pixels, labels) = DigitImages.Generate(1, "train", 200);
        Assert.Equal(Golden, Convert.ToHexStringLower(SHA256.HashData([.. pixels, .. labels])));
    }

    private const string Golden = "7f7fcade46aa1265dd5c960cf5c2ae23050e0b30ddd4a75b25c8545bbe9127fd";

    [Fact]
    public void All_ten_digits_come_about_equally_often_and_have_ink()
    {
        var (pixels, labels) = DigitImages.Generate(3, "train", 2000);
        Assert.All(labels.GroupBy(l => l), g => Assert.InRange(g.Count(), 140, 260));
        Assert.Equal(10, labels.Distinct().Count());
        for (int i = 0; i < labels.Length; i++)
            Assert.InRange(pixels.AsSpan(i * 784, 784).ToArray().Count(p => p > 128), 15, 400);
    }

    [Fact]
    public async Task A_linear_classifier_stays_below_93_percent()
    {
        var dataset = await DataLoader.LoadAsync(new DigitsData { Train = 8_000, Test = 2_000 }, 1);
        double accuracy = LinearClassifier.Accuracy(dataset, epochs: 8);
        Assert.InRange(accuracy, 0.75, 0.93);
    }
}
