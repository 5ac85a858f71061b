using Singa.Actors.Graph.Random;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>How training images are varied from epoch to epoch; nothing unless said.</summary>
public sealed record Augmentation
{
    public static readonly Augmentation None = new();

    /// <summary>Black pixels laid around an image before a window of its size is cut out anywhere.</summary>
    public int CropPadding { get; init; }

    /// <summary>Windows smaller than the image are cut out anywhere, not in its middle.</summary>
    public bool Crop { get; init; }

    /// <summary>Left and right change places in half of the cases.</summary>
    public bool Flip { get; init; }

    public bool IsNone => CropPadding == 0 && !Crop && !Flip;
}

/// <summary>Where a window is cut out of an image (beyond its edges all is black), and whether it is mirrored.</summary>
internal readonly record struct ImageView(int Row, int Column, bool Flipped);

/// <summary>Draws the views of an epoch: pure functions of (seed, epoch, sample).</summary>
internal sealed class Augmenter(Augmentation augmentation, ulong seed)
{
    private readonly ulong key = Philox.Key(seed, "augmentation");

    /// <param name="rows">How many rows the image has more than the window.</param>
    public ImageView Draw(int epoch, long sample, int rows, int columns)
    {
        var (first, second, third, _) = Philox.Block(key, (ulong)sample, (ulong)epoch);
        return new ImageView(Place(first, rows), Place(second, columns), augmentation.Flip && (third & 1) != 0);
    }

    private int Place(uint word, int slack)
    {
        int padding = augmentation.CropPadding;
        if (padding == 0 && !augmentation.Crop)
            return slack / 2;
        return (int)(((ulong)word * (ulong)(slack + 2 * padding + 1)) >> 32) - padding;
    }
}
