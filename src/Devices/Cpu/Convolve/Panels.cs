using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Singa.Actors.Devices.Cpu.Convolve;

/// <summary>Columns of a panel that lie side by side in the planes: the first one's place from the row's, and its column.</summary>
internal readonly record struct PanelRun(nint From, int To);

/// <summary>
/// Packs panels straight from planes; the unfolded image is never in memory. An element of a panel lies at its row's place plus its
/// column's, so one routine serves pixels under taps and taps over pixels. Runs are copied in whole vectors: what goes over a run's end is
/// overwritten by the next one, and behind the panel's last row there must be <see cref="OverrunBytes"/> that nobody needs. Reading goes
/// over as well, which memory of this device allows.
/// </summary>
internal static unsafe class Panels
{
    public const int OverrunBytes = 256;

    /// <summary>The longest run is as many elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack<T>(T* planes, ReadOnlySpan<nint> rows, ReadOnlySpan<PanelRun> runs, int longest, int columns, int width, T* panel)
        where T : unmanaged
    {
        foreach (nint row in rows)
        {
            T* from = planes + row;
            if (longest <= Vector256<T>.Count)
            {
                foreach (var run in runs)
                    Vector256.Store(Vector256.Load(from + run.From), panel + run.To);
            }
            else if (longest <= Vector512<T>.Count)
            {
                foreach (var run in runs)
                    Vector512.Store(Vector512.Load(from + run.From), panel + run.To);
            }
            else
            {
                foreach (var run in runs)
                {
                    for (int i = 0; i < longest; i += Vector512<T>.Count)
                        Vector512.Store(Vector512.Load(from + run.From + i), panel + run.To + i);
                }
            }

            for (int j = columns; j < width; j++)
                panel[j] = default;
            panel += width;
        }
    }

    /// <summary>Joins columns that are neighbours in the planes, too.</summary>
    /// <returns>How many runs there are.</returns>
    public static int Runs(ReadOnlySpan<nint> columns, Span<PanelRun> runs, out int longest)
    {
        int count = 0, length = 0;
        longest = 0;
        for (int j = 0; j < columns.Length; j++)
        {
            if (j == 0 || columns[j] != columns[j - 1] + 1)
            {
                runs[count++] = new PanelRun(columns[j], j);
                length = 0;
            }

            longest = Math.Max(longest, ++length);
        }

        return count;
    }
}
