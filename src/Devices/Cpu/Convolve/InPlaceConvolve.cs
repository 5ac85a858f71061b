using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu.Gemm;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// What forward convolutions and image gradients that read planes where they lie (<see cref="PixelVectors"/>) have in common: rows are channels that come
/// out, in tiles, columns vectors of pixels. A part is some samples, or some tiles of these. Single precision, one group.
/// </summary>
internal abstract unsafe class InPlaceConvolve : CpuKernel
{
    private readonly int together;
    private readonly float* source;
    private int rowParts = 1;

    /// <param name="geometry">As a forward convolution.</param>
    /// <param name="rows">How many channels come out here.</param>
    /// <param name="together">Samples that are there at a time, and vectors that are multiplied at a time.</param>
    protected InPlaceConvolve(Geometry geometry, PixelVectors planes, Tiling tiling, int rows, (int Samples, int Vectors) together, float* source)
    {
        (Geometry, Planes, Tiling) = (geometry, planes, tiling);
        this.source = source;
        (this.together, VectorsMax) = together;
        TileCount = tiling.Tiles(rows, VectorsMax);
        Corners = [.. Enumerable.Range(0, this.together * planes.Count).Select(v => (v / planes.Count * planes.Elements + planes.Place(v % planes.Count)) * sizeof(float))];
    }

    protected Geometry Geometry { get; }

    protected PixelVectors Planes { get; }

    protected Tiling Tiling { get; }

    /// <summary>Vectors of a panel.</summary>
    protected int VectorsMax { get; }

    protected int TileCount { get; }

    /// <summary>Where the vectors of the samples that are there lie, in bytes.</summary>
    protected nint[] Corners { get; }

    /// <summary>Multiply-adds of the whole kernel: few are not cut.</summary>
    protected abstract double Work { get; }

    protected abstract long BufferBytes { get; }

    private int Units => (Geometry.Samples + together - 1) / together;

    private long PlaneBytes => Planes.IsCopy ? (together * (long)Planes.Elements * sizeof(float) + Panels.OverrunBytes + 63) / 64 * 64 : 0;

    public sealed override long ScratchBytesPerThread => PlaneBytes + BufferBytes;

    public sealed override int Parts(int threads)
    {
        if (threads == 1 || Work < 100_000)
            return 1;
        if (Units < threads * 2)
            rowParts = Math.Clamp(threads * 2 / Units, 1, TileCount);
        return Math.Min(Units * rowParts, threads * 8);
    }

    public sealed override void Run(int part, int parts, int thread, byte* scratch)
    {
        if (Planes.IsCopy)
            NativeMemory.Clear(scratch, (nuint)PlaneBytes);
        int filled = -1;
        var (first, end) = Share((long)Units * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int sample = (int)(unit / rowParts) * together, samples = Math.Min(together, Geometry.Samples - sample);
            float* from = source + (nint)sample * Geometry.Channels * Geometry.Pixels;
            if (Planes.IsCopy && filled != sample)
                Fill(from, samples, (float*)scratch);
            filled = sample;
            var (tile, tileEnd) = Share(TileCount, 1, (int)(unit % rowParts), rowParts);
            for (int vector = 0; vector < samples * Planes.Count; vector += VectorsMax)
                Panel(sample, vector, Math.Min(VectorsMax, samples * Planes.Count - vector), (int)tile, (int)tileEnd, Planes.IsCopy ? (float*)scratch : from, (float*)(scratch + PlaneBytes));
        }
    }

    /// <summary>Some vectors by some tiles.</summary>
    /// <param name="firstSample">The first of those that are there.</param>
    /// <param name="vector">Counted over these samples.</param>
    /// <param name="from">Where their planes lie.</param>
    protected abstract void Panel(int firstSample, int vector, int vectors, int firstTile, int endTile, float* from, float* buffer);

    /// <summary>Samples of few vectors are multiplied several at a time.</summary>
    /// <param name="most">Vectors of a panel.</param>
    protected static (int Samples, int Vectors) Together(Geometry geometry, PixelVectors planes, int most)
    {
        int samples = Math.Clamp(most / planes.Count, 1, geometry.Samples);
        return (samples, Math.Min(most, samples * planes.Count));
    }

    private void Fill(float* from, int samples, float* scratch)
    {
        nint sample = (nint)Geometry.Channels * Geometry.Pixels;
        for (int i = 0; i < samples; i++)
            Planes.Fill(from + i * sample, scratch + i * Planes.Elements, source, source + Geometry.Samples * sample);
    }
}
