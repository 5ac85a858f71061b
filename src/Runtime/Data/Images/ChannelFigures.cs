namespace Singa.Actors.Runtime.Data.Images;

/// <summary>Mean and deviation of each channel over many images.</summary>
internal static class ChannelFigures
{
    public static Normalisation Of(IEnumerable<ReadOnlyMemory<byte>> images, int channels)
    {
        var histograms = Enumerable.Range(0, channels).Select(_ => new long[256]).ToArray();
        foreach (var image in images)
        {
            int plane = image.Length / channels;
            for (int channel = 0; channel < channels; channel++)
            {
                var histogram = histograms[channel];
                foreach (byte value in image.Span.Slice(channel * plane, plane))
                    histogram[value]++;
            }
        }

        return Normalisation.Of(histograms);
    }
}
