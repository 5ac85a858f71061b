using System.Collections.Immutable;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Plans;

/// <summary>
/// One of the few forms that every backend implements. A kernel's result is defined to the bit (see each form), so that
/// tiling, vector width, threads and the number of rows handled at once are the backend's own business.
/// </summary>
public abstract record Kernel
{
    /// <summary>What is read, in the kernel's own order.</summary>
    public abstract ImmutableArray<Operand> Inputs { get; }

    /// <summary>What is written.</summary>
    public abstract ImmutableArray<Operand> Outputs { get; }
}

/// <summary>
/// A scalar program at every point of a common shape; inputs and outputs all have that shape (inputs with stride 0 where they
/// repeat). An output may be the very operand of an input (in place), never overlap one otherwise; several may have the same result.
/// </summary>
public sealed record MapKernel(ScalarProgram Program, ImmutableArray<Operand> Sources, ImmutableArray<Operand> Targets) : Kernel
{
    public override ImmutableArray<Operand> Inputs => Sources;
    public override ImmutableArray<Operand> Outputs => Targets;
}

public enum Reduction : byte
{
    Sum,
    Maximum,
    Minimum,
}

/// <summary>
/// The program's one result, reduced over <c>Axes</c> (ascending). Sources share one shape; the target has it with 1 at the axes.
/// Bits: let the <em>trailing</em> axes be those of <c>Axes</c> with no kept dimension longer than 1 inside them, flattened to r. Their
/// sum is 16 lanes (r mod 16), each added in ascending order from its first element (an unused lane is absent), then lanes i and i+8,
/// i and i+4, i and i+2, i and i+1 are added (left operand the lower lane; an absent right operand leaves the left as it is). The other
/// axes, flattened outermost first, are rows: blocks of <see cref="RowsPerBlock"/> rows are added in ascending order from their first,
/// and block sums added in ascending order. Maximum and Minimum are those of IEEE 754-2019: a NaN wins, +0 is above −0. Nothing
/// summed is +0, nothing's maximum the type's lowest value (−∞), nothing's minimum its highest.
/// </summary>
public sealed record ReduceKernel(
    Reduction Reduction, ScalarProgram Program, ImmutableArray<Operand> Sources, ImmutableArray<int> Axes, Operand Target) : Kernel
{
    public const int Lanes = 16;
    public const int RowsPerBlock = 256;

    public override ImmutableArray<Operand> Inputs => Sources;
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>Several kernels in one launch; the bits are those of launching each, one after the other.</summary>
public abstract record JoinedKernel(ImmutableArray<LinkedKernel> Links) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [.. Links.SelectMany(l => l.Kernel.Inputs).Distinct()];
    public override ImmutableArray<Operand> Outputs => [.. Links.SelectMany(l => l.Kernel.Outputs).Distinct()];
}

/// <summary>A link of a <see cref="JoinedKernel"/>, named as an operation is.</summary>
public sealed record LinkedKernel(string Name, Kernel Kernel);

/// <summary>
/// The links are maps that know nothing of one another: what one writes no other reads or writes, in memory that blocks share as well. So a backend
/// may do them in any order, in pieces, and side by side.
/// </summary>
public sealed record GroupKernel(ImmutableArray<LinkedKernel> Links) : JoinedKernel(Links);

/// <summary>
/// The links are maps and reductions of trailing dimensions. Leading dimensions are <c>Rows</c>, at least 2 (<see cref="RowWindow.Axes"/>), and what
/// a link reads or writes where another writes lies in the same row, in memory that blocks share as well. So a backend may do all links for some rows
/// and then for others, in any order and side by side. <c>Passing</c>: blocks that nobody reads afterwards, written as rows of one length; what they
/// hold then is nobody's promise.
/// </summary>
public sealed record ChainKernel(ImmutableArray<LinkedKernel> Links, long Rows, ImmutableArray<int> Passing) : JoinedKernel(Links)
{
    /// <summary>What is read that no link before has written.</summary>
    public override ImmutableArray<Operand> Inputs
    {
        get
        {
            List<Operand> read = [], written = [];
            foreach (var (_, link) in Links)
            {
                read.AddRange(link.Inputs.Where(i => !read.Contains(i) && !written.Any(w => RowWindow.Of(w, Rows).Covers(RowWindow.Of(i, Rows)))));
                written.AddRange(link.Outputs);
            }

            return [.. read.Distinct()];
        }
    }
}

/// <summary>
/// What happens to each element of a product before it is stored: program argument 0 is the accumulated value, argument i the
/// i−1st of <c>Sources</c>, each with the target's shape (stride 0 where it repeats).
/// </summary>
public sealed record Epilogue(ScalarProgram Program, ImmutableArray<Operand> Sources);

/// <summary>
/// target[…, m, n] = Σk left[…, m, k] · right[…, k, n]; all three have the same rank ≥ 2 and leading batch dimensions, any strides.
/// Bits: k is cut into blocks of <see cref="BlockLength"/>; within a block one chain acc = fma(l, r, acc) from +0 in ascending k;
/// block sums are added in ascending order. With <c>Tree</c> not empty the outermost batch dimension counts shards, the target's
/// outermost dimension is the number of ranges in <c>Tree</c>, and row i is the sum over the shards of range i along
/// <see cref="ShardTree"/> (a range of shards is relative to the operand's first; the tree within it that of 0…Count). No epilogue then.
/// With <c>Rounded</c> each shard's sum and each sum of two along the tree is rounded to the nearest <see cref="BFloat16"/> (float32 only).
/// </summary>
public sealed record ContractKernel(
    Operand Left, Operand Right, Operand Target, ImmutableArray<ShardRange> Tree, Epilogue? Epilogue, bool Rounded = false) : Kernel
{
    public const int BlockLength = 2048;

    public override ImmutableArray<Operand> Inputs => [Left, Right, .. Epilogue?.Sources ?? []];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>Sizes of a two-dimensional convolution or pooling window; padding after is whatever the output's size implies.</summary>
public readonly record struct Window2D(
    int KernelHeight, int KernelWidth, int StrideHeight = 1, int StrideWidth = 1, int PadTop = 0, int PadLeft = 0,
    int DilationHeight = 1, int DilationWidth = 1);

public enum ConvolveForm : byte
{
    /// <summary>Image, Filter → Result. Chain over k = (channel, kh, kw).</summary>
    Forward,

    /// <summary>
    /// Result's gradient, Filter → Image's gradient. For each tap (kh, kw) that reaches the pixel a chain over k = output channel;
    /// the taps' sums are added in ascending (kh, kw) order from +0.
    /// </summary>
    ImageGradient,

    /// <summary>Image, Result's gradient → Filter's gradient. Chain over k = (sample, oh, ow).</summary>
    FilterGradient,
}

/// <summary>
/// Two-dimensional convolution (cross-correlation) and its adjoints. Image [n, c, h, w], Filter [o, c / groups, kh, kw], Result
/// [n, o, oh, ow], all contiguous; which of them is the target is the form's. With FilterGradient and <c>Tree</c> not empty, Image
/// and Result have a leading dimension that counts shards and Filter one that counts the ranges, as in <see cref="ContractKernel"/>.
/// Bits: as in <see cref="ContractKernel"/>, k as the form says, blocks counted along that k; zero padding counts as zeros.
/// <c>Rounded</c> as there. With <c>Winograd</c> as <see cref="Plans.Winograd"/> says. The epilogue's sources have the target's shape, or that with its outermost axis
/// split in two (shards × samples), and walk its pixels with one stride.
/// </summary>
public sealed record ConvolveKernel(
    ConvolveForm Form, Window2D Window, int Groups, Operand Image, Operand Filter, Operand Result,
    ImmutableArray<ShardRange> Tree, Epilogue? Epilogue, bool Winograd = false, bool Rounded = false) : Kernel
{
    public Operand Target => Form switch
    {
        ConvolveForm.Forward => Result,
        ConvolveForm.ImageGradient => Image,
        _ => Filter,
    };

    public override ImmutableArray<Operand> Inputs => [.. Form switch
    {
        ConvolveForm.Forward => [Image, Filter],
        ConvolveForm.ImageGradient => [Result, Filter],
        _ => new[] { Image, Result },
    }, .. Epilogue?.Sources ?? []];

    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Largest value (IEEE 754-2019 maximum) of each window of Image [n, c, h, w] → Result [n, c, oh, ow], contiguous; padding never wins; a NaN wins. With
/// <c>Gradient</c> not null: Result's gradient goes to the first element (row by row) that has the window's maximum, windows
/// added in ascending (oh, ow) order from +0, into Target [n, c, h, w]. With <c>Tangent</c> [n, c, h, w] not null: its value at that
/// element is the window's result.
/// </summary>
public sealed record MaxPoolKernel(Window2D Window, Operand Image, Operand? Gradient, Operand Target, Operand? Tangent = null) : Kernel
{
    public override ImmutableArray<Operand> Inputs => (Gradient ?? Tangent) is { } second ? [Image, second] : [Image];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Sum of each window of Source [n, c, h, w] → Target [n, c, oh, ow], contiguous: taps added in ascending (kh, kw) order from +0, padding
/// adds nothing. <c>Adjoint</c>: Source [n, c, oh, ow] → Target [n, c, h, w], each window's value added to all its elements, windows in
/// ascending (oh, ow) order from +0.
/// </summary>
public sealed record SumPoolKernel(Window2D Window, bool Adjoint, Operand Source, Operand Target) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Source];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Row i of Target [m, w] is row Indices[i] of Table [v, w]; Indices is Int32 [m], all contiguous, elements of any type. An index outside 0…v−1
/// gives zeros: data is refused when it is loaded, and a kernel never reads beyond its operands.
/// </summary>
public sealed record GatherKernel(Operand Table, Operand Indices, Operand Target) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Table, Indices];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Row r of Target [ranges, v, w] is the sum over range r of shards, along <see cref="ShardTree"/> as in <see cref="ContractKernel"/>, of what
/// each shard adds up: row j is +0 and then every row i of Updates [shards, m, w] with Indices [shards, m] = j, in ascending i. All
/// contiguous but for the target's outermost dimension; an index outside 0…v−1 adds nothing. (A shard without row j adds +0, which changes no sum.)
/// <c>Rounded</c> as in <see cref="ContractKernel"/>.
/// </summary>
public sealed record ScatterAddKernel(Operand Indices, Operand Updates, Operand Target, ImmutableArray<ShardRange> Tree, bool Rounded = false) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Indices, Updates];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Philox-4x32-10 words as Int32: element i (row-major) is word i mod 4 of the block with counter (i div 4 as 64 bits, then
/// <c>Stream</c> and the step) under <c>Key</c>; see <see cref="Random.Philox"/>. <c>Step</c>, where given, is an Int32 scalar on the device.
/// </summary>
public sealed record RandomKernel(ulong Key, uint Stream, Operand? Step, Operand Target) : Kernel
{
    public override ImmutableArray<Operand> Inputs => Step is null ? [] : [Step];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>
/// Row i of Target [ranges, …] is the sum over range i of Source [shards, …] along <see cref="ShardTree"/>; both contiguous.
/// <c>Rounded</c> as in <see cref="ContractKernel"/>.
/// </summary>
public sealed record ShardSumKernel(Operand Source, ImmutableArray<ShardRange> Tree, Operand Target, bool Rounded = false) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Source];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>Bucket number <c>Bucket</c> of the step travels: rows are local subtree sums before, row 0 the total after.</summary>
public sealed record ExchangeKernel(int Bucket, Operand Rows) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Rows];
    public override ImmutableArray<Operand> Outputs => [Rows];
}

/// <summary>Host buffer number <c>Slot</c> of the submission to the device.</summary>
public sealed record UploadKernel(int Slot, Operand Target) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [];
    public override ImmutableArray<Operand> Outputs => [Target];
}

/// <summary>The device's block to host buffer number <c>Slot</c> of the submission.</summary>
public sealed record DownloadKernel(int Slot, Operand Source) : Kernel
{
    public override ImmutableArray<Operand> Inputs => [Source];
    public override ImmutableArray<Operand> Outputs => [];
}
