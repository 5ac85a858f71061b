using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>
/// A filter in tiles of some of the channels that an image's gradient has, each tap by itself: element (tap, step, row) of a tile, steps being the
/// channels summed over. Says of each tile whether it has weights that are no numbers.
/// </summary>
internal sealed unsafe class TapTiles(Geometry geometry, int firstRow, int rows, int tiles, float* filter, SharedScratch shared) : CpuKernel
{
    private readonly bool[] special = new bool[tiles];

    public int FirstRow => firstRow;

    public int Rows => rows;

    public static long Bytes(Geometry geometry, int rows) => (long)rows * geometry.Taps * geometry.Outputs * sizeof(float);

    public bool IsSpecial(int tile) => special[tile];

    /// <summary>Where a tap of a tile lies.</summary>
    /// <param name="row">The tile's first, counted from <see cref="FirstRow"/>.</param>
    public float* Tile(int row, int height, int tap) => (float*)shared.Pointer + ((nint)row * geometry.Taps + (nint)tap * height) * geometry.Outputs;

    public override int Parts(int threads) => threads == 1 ? 1 : Math.Min(tiles, threads * 4);

    public override void Run(int part, int parts, int thread, byte* scratch)
    {
        var (first, end) = Share(tiles, 1, part, parts);
        for (int tile = (int)first; tile < end; tile++)
        {
            var (row, height) = Gemm.Tiling.Rows(rows, tiles, tile);
            special[tile] = Fill(row, height);
        }
    }

    private bool Fill(int row, int height)
    {
        int taps = geometry.Taps, run = height * taps;
        nint tapElements = (nint)height * geometry.Outputs;
        var zeros = Vector256<float>.Zero;
        float zero = 0;
        for (int step = 0; step < geometry.Outputs; step++)
        {
            float* from = filter + ((nint)step * geometry.Channels + firstRow + row) * taps;
            float* to = Tile(row, height, 0) + (nint)step * height;
            for (int i = 0; i < height; i++)
            {
                for (int tap = 0; tap < taps; tap++)
                    to[tap * tapElements + i] = from[i * taps + tap];
            }

            int done = 0;
            for (; done + Vector256<float>.Count <= run; done += Vector256<float>.Count)
                zeros += Vector256.Load(from + done) * Vector256<float>.Zero;
            for (; done < run; done++)
                zero += from[done] * 0;
        }

        // What is no number times zero is none.
        return !(Vector256.Sum(zeros) + zero == 0);
    }
}
