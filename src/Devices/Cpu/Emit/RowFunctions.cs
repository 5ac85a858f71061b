using System.Collections.Concurrent;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>Compiled functions over rows, each compiled once. The first call of one costs a fraction of a millisecond.</summary>
public sealed class RowFunctions(VectorWidth width)
{
    private readonly ConcurrentDictionary<Key, Lazy<RowDelegate>> rows = new();
    private readonly ConcurrentDictionary<Key, Lazy<RowsDelegate>> severalRows = new();
    private readonly ConcurrentDictionary<Key, Lazy<RowsDelegate>> reductions = new();

    /// <param name="program">In primitives; Maximum and Minimum are allowed and mean those of IEEE 754-2019.</param>
    /// <param name="strides">Of each source, then of each result, in elements.</param>
    public RowDelegate Row(ScalarProgram program, params long[] strides) => Row(program, false, strides);

    /// <param name="past">Results go past the caches; they lie side by side, none is a half, and each row begins at a multiple of a vector.</param>
    /// <param name="ahead">Of each source, how many bytes behind what is read is fetched; 0: nothing.</param>
    public RowDelegate Row(ScalarProgram program, bool past, long[] strides, params long[] ahead) => rows.GetOrAdd(
        new Key(program, strides, default, past, ahead), key => new Lazy<RowDelegate>(() => RowFunction.Compile(key.Program, key.Strides, width, key.Past, key.Ahead ?? []))).Value;

    /// <summary>The program over several rows at a call.</summary>
    public RowsDelegate Rows(ScalarProgram program, params long[] strides) => severalRows.GetOrAdd(
        new Key(program, strides, default), key => new Lazy<RowsDelegate>(() => RowFunction.CompileRows(key.Program, key.Strides, width))).Value;

    /// <summary>
    /// The program's one result over each row joined into the 16 lanes that <see cref="ReduceKernel"/> speaks of; the last pointer is
    /// to the first row's lanes, and all must hold something. Null where the program does not run in vectors.
    /// </summary>
    /// <param name="ahead">As in <see cref="Row(ScalarProgram, bool, long[], long[])"/>.</param>
    public RowsDelegate? Lanes(Reduction reduction, ScalarProgram program, long[] strides, params long[] ahead) =>
        LaneProgram.LaneSize(program) == 0 ? null : reductions.GetOrAdd(
            new Key(program, strides, reduction, Ahead: ahead),
            key => new Lazy<RowsDelegate>(() => LaneReduceFunction.Compile(key.Reduction, key.Program, key.Strides, width, key.Ahead ?? []))).Value;

    private sealed record Key(ScalarProgram Program, long[] Strides, Reduction Reduction, bool Past = false, long[]? Ahead = null)
    {
        public bool Equals(Key? other) => other is not null && Reduction == other.Reduction && Past == other.Past
            && Strides.AsSpan().SequenceEqual(other.Strides) && Ahead.AsSpan().SequenceEqual(other.Ahead) && Program == other.Program;

        public override int GetHashCode() => HashCode.Combine(Program, Reduction, Strides.Length);
    }
}
