using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Digits;

internal static class DigitsLoader
{
    /// <summary>2 GiB of pixels, which one array can hold.</summary>
    private const int CountMax = int.MaxValue / (DigitImages.Side * DigitImages.Side);

    public static Dataset Load(DigitsData data, ulong jobSeed, CancellationToken cancellation)
    {
        Check(data);
        ulong seed = data.Seed ?? jobSeed;
        var (pixels, labels) = DigitImages.Generate(seed, "train", data.Train, cancellation);
        var normalisation = Normalisation.Of(pixels);
        var train = Source(pixels, labels, normalisation);
        if (data.Test == 0)
            return new Dataset(train, null, normalisation);
        var (heldPixels, heldLabels) = DigitImages.Generate(seed, "test", data.Test, cancellation);
        return new Dataset(train, Source(heldPixels, heldLabels, normalisation), normalisation);
    }

    public static DataDescription Describe(DigitsData data)
    {
        Check(data);
        var sample = new TensorType(DType.Float32, Shape.Of(1, DigitImages.Side, DigitImages.Side));
        return new DataDescription(sample, new TensorType(DType.Int32, Shape.Scalar), 10, data.Train, data.Test);
    }

    private static ByteImages Source(byte[] pixels, byte[] labels, Normalisation normalisation) =>
        new(Shape.Of(1, DigitImages.Side, DigitImages.Side), pixels, labels, 10, normalisation);

    private static void Check(DigitsData data)
    {
        if (data.Train is < 1 or > CountMax)
            throw new JobRefusedException($"data.train asks for {data.Train} digits; it must be within 1 … {CountMax}");
        if (data.Test is < 0 or > CountMax)
            throw new JobRefusedException($"data.test asks for {data.Test} digits; it must be within 0 … {CountMax}");
    }
}
