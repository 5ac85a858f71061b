using Singa.Actors.Devices.Cpu.Convolve;

namespace Singa.Actors.Devices.Cpu.Winograd;

/// <summary>A filter's taps as its transform reads them.</summary>
/// <param name="turned">For an image's gradient: channels change places, and taps are turned by half a turn.</param>
internal readonly unsafe struct FilterTaps(Geometry geometry, bool turned, float* filter)
{
    public const int Taps = Graph.Plans.Winograd.Taps * Graph.Plans.Winograd.Taps;

    /// <summary>Floats of one step: all taps of sixteen channels that come out.</summary>
    public const int PerStep = Taps * Lanes;

    private const int Lanes = WinogradTransforms.Lanes, StepsAhead = 8;

    /// <summary>Where a step's first tap lies: of a filter turned by half a turn the last one comes first.</summary>
    public int First => turned ? (Taps - 1) * Lanes : 0;

    /// <summary>From a tap to the next.</summary>
    public int Next => turned ? -Lanes : Lanes;

    /// <summary>Of up to sixteen channels that come out, for some of those that are summed over; lanes without a channel are zero.</summary>
    public void Read(int channel, int channels, int step, int steps, float* taps)
    {
        nint perOutput = (nint)geometry.Channels * Taps;
        if (!turned)
        {
            ChannelPixels.Turn(filter + channel * perOutput + step * Taps, perOutput, channels, steps * Taps, taps);
            return;
        }

        for (int s = 0; s < steps; s++)
        {
            float* from = filter + (step + s) * perOutput + channel * Taps;
            // Steps that lie far apart are no stream that a processor finds by itself.
            Cache.Fetch((byte*)(from + StepsAhead * perOutput), 0, 1, PerStep * sizeof(float));
            ChannelPixels.Turn(from, Taps, channels, Taps, taps + s * PerStep);
        }
    }
}
