using System.Runtime.InteropServices;
using Singa.Actors.Devices.Cpu.Gemm;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// Forward convolution, and the image's gradient where strides are one, as products that read planes where they lie (<see cref="PixelVectors"/>): rows are the
/// channels that come out, columns vectors of pixels. Forward all taps are one chain; of a gradient, which is a convolution with the filter turned
/// by half a turn, each tap is a chain of its own, added to the ones before. A part is some samples, or some rows of these.
/// </summary>
internal sealed unsafe class InPlaceConvolve : CpuKernel
{
    private readonly Geometry geometry;
    private readonly PixelVectors planes;
    private readonly Tiling tiling;
    private readonly TapTiles? taps;
    private readonly nint[] places, corners;
    private readonly float* source;
    private readonly float* filter;
    private readonly float* target;
    private readonly TileEpilogue? epilogue;
    private readonly nint[][] epilogueOffsets = [];
    private readonly int passes, steps, together, vectorsMax, tileCount, firstChannel, rows;
    private readonly bool isFar;
    private int rowParts = 1;

    /// <param name="geometry">As a forward convolution.</param>
    /// <param name="taps">The filter's tiles of a gradient.</param>
    private InPlaceConvolve(ConvolveKernel kernel, Geometry geometry, PixelVectors planes, Tiling tiling, TapTiles? taps, CpuContext context, Func<Operand, nint> address)
    {
        (this.geometry, this.planes, this.tiling, this.taps) = (geometry, planes, tiling, taps);
        (passes, steps) = taps is null ? (1, geometry.Channels * geometry.Taps) : (geometry.Taps, geometry.Channels);
        (firstChannel, rows) = taps is null ? (0, geometry.Outputs) : (taps.FirstRow, taps.Rows);
        source = (float*)address(taps is null ? kernel.Image : kernel.Result);
        filter = (float*)address(kernel.Filter);
        target = (float*)address(kernel.Target);
        if (kernel.Epilogue is { } fused)
            (epilogue, epilogueOffsets) = TileEpilogue.OfPlanes(fused, geometry.Samples, context, address);
        (together, vectorsMax) = Together(geometry, planes, tiling, taps is not null);
        tileCount = tiling.Tiles(rows, vectorsMax);
        isFar = taps is null && MicroKernel.IsFar((long)rows * steps * sizeof(float));
        places = new nint[passes * steps];
        corners = [.. Enumerable.Range(0, together * planes.Count).Select(v => ((nint)(v / planes.Count) * planes.Elements + planes.Place(v % planes.Count)) * sizeof(float))];
        for (int i = 0; i < places.Length; i++)
            places[i] = Place(i) * sizeof(float);
    }

    /// <summary>Null where planes cannot be read in place.</summary>
    public static CompiledKernel? Compile(ConvolveKernel kernel, CpuContext context, Func<Operand, nint> address)
    {
        if (kernel.Target.DType != DType.Float32 || kernel.Groups != 1)
            return null;
        var geometry = Geometry.Of(kernel);
        var tiling = new Tiling(DType.Float32, context.Width);
        if (kernel.Form == ConvolveForm.Forward)
            return Suits(geometry, tiling) is { } planes ? new InPlaceConvolve(kernel, geometry, planes, tiling, null, context, address) : null;
        if (geometry.Adjoint is not { } adjoint || adjoint.Channels > ContractKernel.BlockLength || Suits(adjoint, tiling) is not { } gradients)
            return null;
        // Where all tiles would take too much memory, some of the channels at a time.
        int vectors = Together(adjoint, gradients, tiling, isGradient: true).Vectors, heights = Math.Min(tiling.RowsMax(vectors), adjoint.Outputs);
        int atOnce = (int)Math.Clamp(context.SharedScratchMost / TapTiles.Bytes(adjoint, 1) / heights * heights, heights, adjoint.Outputs);
        var shared = new SharedScratch(TapTiles.Bytes(adjoint, atOnce));
        var phases = new List<CpuKernel>();
        for (int first = 0; first < adjoint.Outputs; first += atOnce)
        {
            int count = Math.Min(atOnce, adjoint.Outputs - first);
            var tiles = new TapTiles(adjoint, first, count, tiling.Tiles(count, vectors), (float*)address(kernel.Filter), shared);
            phases.Add(tiles);
            phases.Add(new InPlaceConvolve(kernel, adjoint, gradients, tiling, tiles, context, address));
        }

        return new CpuPhases(shared, [.. phases]);
    }

    private static PixelVectors? Suits(Geometry geometry, Tiling tiling) =>
        geometry.Samples == 0 || geometry.Channels == 0 || geometry.Outputs == 0 || geometry.Taps == 0 ? null : PixelVectors.Of(geometry, tiling.Lanes);

    /// <summary>
    /// Samples of few vectors are multiplied several at a time. Of a gradient each step reads another line for each vector, or two where the vectors
    /// of a sample do not lie side by side: then fewer vectors and more rows are faster.
    /// </summary>
    private static (int Samples, int Vectors) Together(Geometry geometry, PixelVectors planes, Tiling tiling, bool isGradient)
    {
        int most = isGradient && planes.Count < tiling.VectorsMax ? Math.Max(planes.Count, tiling.VectorsMax / 2) : tiling.VectorsMax;
        int samples = Math.Clamp(most / planes.Count, 1, geometry.Samples);
        return (samples, Math.Min(most, samples * planes.Count));
    }

    private nint Place(int index)
    {
        var (w, taps) = (geometry.Window, geometry.Taps);
        // Forward channels come before taps; a gradient's taps, turned, before channels.
        var (channel, tap) = this.taps is null ? (index / taps, index % taps) : (index % steps, taps - 1 - index / steps);
        return planes.Tap(channel, tap / w.KernelWidth, tap % w.KernelWidth);
    }

    private int Units => (geometry.Samples + together - 1) / together;

    private long PlaneBytes => planes.IsCopy ? ((long)together * planes.Elements * sizeof(float) + Panels.OverrunBytes + 63) / 64 * 64 : 0;

    public override long ScratchBytesPerThread => PlaneBytes + (long)tiling.RowsMax(1) * tiling.PanelColumns * sizeof(float);

    public override int Parts(int threads)
    {
        if (threads == 1 || (double)rows * steps * passes * geometry.OutPixels * geometry.Samples < 100_000)
            return 1;
        if (Units < threads * 2)
            rowParts = Math.Clamp(threads * 2 / Units, 1, tileCount);
        return Math.Min(Units * rowParts, threads * 8);
    }

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        if (planes.IsCopy)
            NativeMemory.Clear(scratch, (nuint)PlaneBytes);
        int filled = -1;
        var (first, end) = Share((long)Units * rowParts, 1, part, parts);
        for (long unit = first; unit < end; unit++)
        {
            int sample = (int)(unit / rowParts) * together, samples = Math.Min(together, geometry.Samples - sample);
            float* from = source + (nint)sample * geometry.Channels * geometry.Pixels;
            if (planes.IsCopy && filled != sample)
                Fill(from, samples, (float*)scratch);
            filled = sample;
            var (tile, tileEnd) = Share(tileCount, 1, (int)(unit % rowParts), rowParts);
            for (int vector = 0; vector < samples * planes.Count; vector += vectorsMax)
                Panel(sample, vector, Math.Min(vectorsMax, samples * planes.Count - vector), (int)tile, (int)tileEnd, planes.IsCopy ? (float*)scratch : from, (float*)(scratch + PlaneBytes));
        }
    }

    private void Fill(float* from, int samples, float* scratch)
    {
        nint sample = (nint)geometry.Channels * geometry.Pixels;
        for (int i = 0; i < samples; i++)
            planes.Fill(from + i * sample, scratch + (nint)i * planes.Elements, source, source + geometry.Samples * sample);
    }

    private void Panel(int firstSample, int vector, int vectors, int firstTile, int endTile, float* from, float* buffer)
    {
        int lanes = tiling.Lanes, sample = firstSample + vector / planes.Count, pixel = vector % planes.Count * lanes;
        bool direct = vector / planes.Count == (vector + vectors - 1) / planes.Count;
        nint rowElements = direct ? geometry.OutPixels : vectors * lanes;
        var tiles = MicroKernel.Tiles(tiling, rows, tileCount, vectors, isFar, Placed.B);
        for (int t = firstTile; t < endTile; t++)
        {
            int row = tiles.First(t), height = tiles.Rows(t), channel = firstChannel + row;
            float* tile = direct ? target + ((nint)sample * geometry.Outputs + channel) * geometry.OutPixels + pixel : buffer;
            if (direct)
                Cache.Fetch((byte*)tile, rowElements * sizeof(float), height, vectors * lanes * sizeof(float));
            Fetch(sample, pixel, vectors, direct, channel, height);
            if (taps is { } filters && filters.IsSpecial(t))
                Exactly(firstSample, vector, vectors, channel, height, tile, rowElements);
            else
                Multiply(tiles.Kernel(t), row, height, from, vector, vectors, tile, rowElements);
            Finish(sample, pixel, vectors, direct, channel, height, tile, rowElements);
        }
    }

    private void Multiply(PlacedKernelDelegate kernel, int row, int height, float* from, int vector, int vectors, float* tile, nint rowElements)
    {
        if (taps is not null)
            Clear(height, vectors, tile, rowElements);
        fixed (nint* place = places, corner = &corners[vector])
        {
            for (int pass = 0; pass < passes; pass++)
            {
                for (int step = 0; step < steps; step += ContractKernel.BlockLength)
                {
                    float* a = taps is null ? filter + (nint)row * steps + step : taps.Tile(row, height, pass);
                    var (rowSteps, stepRows) = taps is null ? (steps, 1) : (1, height);
                    kernel((byte*)a, (nint)rowSteps * sizeof(float), (nint)stepRows * sizeof(float), (byte*)from, (byte*)tile, rowElements * sizeof(float), Math.Min(ContractKernel.BlockLength, steps - step),
                        step == 0 && taps is null ? TileMode.Store : TileMode.Add, place + (nint)pass * steps + step, corner);
                }
            }
        }
    }

    /// <summary>Weights that are no numbers must not meet the zeros around the planes: taps that reach a pixel only, one by one.</summary>
    private void Exactly(int firstSample, int vector, int vectors, int channel, int height, float* tile, nint rowElements)
    {
        var w = geometry.Window;
        Clear(height, vectors, tile, rowElements);
        for (int column = 0; column < vectors * tiling.Lanes; column++)
        {
            var (sample, pixel) = Math.DivRem(vector * tiling.Lanes + column, geometry.OutPixels);
            float* gradients = source + (nint)(firstSample + sample) * geometry.Channels * geometry.Pixels;
            for (int tap = 0; tap < geometry.Taps; tap++)
            {
                int turned = geometry.Taps - 1 - tap;
                int y = pixel / geometry.OutWidth + turned / w.KernelWidth * w.DilationHeight - w.PadTop, x = pixel % geometry.OutWidth + turned % w.KernelWidth * w.DilationWidth - w.PadLeft;
                if ((uint)y >= (uint)geometry.Height || (uint)x >= (uint)geometry.Width)
                    continue;
                for (int row = 0; row < height; row++)
                {
                    float chain = 0;
                    for (int output = 0; output < geometry.Channels; output++)
                        chain = float.FusedMultiplyAdd(filter[((nint)output * geometry.Outputs + channel + row) * geometry.Taps + tap], gradients[(nint)output * geometry.Pixels + y * geometry.Width + x], chain);
                    tile[row * rowElements + column] += chain;
                }
            }
        }
    }

    private void Clear(int height, int vectors, float* tile, nint rowElements)
    {
        for (int row = 0; row < height; row++)
            new Span<float>(tile + row * rowElements, vectors * tiling.Lanes).Clear();
    }

    private void Fetch(int sample, int pixel, int vectors, bool direct, int channel, int height)
    {
        if (direct)
            epilogue?.Fetch(height, vectors * tiling.Lanes, channel, pixel, epilogueOffsets[sample]);
    }

    private void Finish(int sample, int pixel, int vectors, bool direct, int channel, int height, float* tile, nint rowElements)
    {
        if (direct)
        {
            epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, vectors * tiling.Lanes, channel, pixel, epilogueOffsets[sample]);
            return;
        }

        // Vectors of several samples: each goes to its own.
        for (int v = 0; v < vectors; v++, tile += tiling.Lanes)
        {
            epilogue?.Apply((byte*)tile, rowElements * sizeof(float), height, tiling.Lanes, channel, pixel, epilogueOffsets[sample]);
            float* to = target + ((nint)sample * geometry.Outputs + channel) * geometry.OutPixels + pixel;
            for (int row = 0; row < height; row++)
                Packing.Copy(tile + row * rowElements, to + (nint)row * geometry.OutPixels, tiling.Lanes);
            pixel += tiling.Lanes;
            if (pixel == geometry.OutPixels)
                (sample, pixel) = (sample + 1, 0);
        }
    }
}
