using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data.Images;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Data;

/// <summary>Where a job's samples come from: pure data, so that a job can be written down.</summary>
public abstract record DataSpec;

/// <summary>Images and labels in IDX files, gzipped or plain, as MNIST's. Images become float32 [1, rows, columns].</summary>
public sealed record IdxData : DataSpec
{
    public required string TrainImages { get; init; }

    public required string TrainLabels { get; init; }

    public string? TestImages { get; init; }

    public string? TestLabels { get; init; }

    /// <summary>Labels are 0 up to, not including, this; any other label is refused.</summary>
    public int Classes { get; init; } = 10;
}

/// <summary>Drawn digits, float32 [1, 28, 28] and ten classes; nothing is downloaded.</summary>
public sealed record DigitsData : DataSpec
{
    /// <summary>Images to train on.</summary>
    public int Train { get; init; } = 20_000;

    /// <summary>Images held back for the test.</summary>
    public int Test { get; init; } = 4_000;

    /// <summary>What is drawn; null takes the job's seed.</summary>
    public ulong? Seed { get; init; }
}

/// <summary>
/// Images in CIFAR's binary files: records of a label (CIFAR-100: a coarse and a fine one) and 3072 bytes, 32×32 red, green and blue.
/// Images become float32 [3, 32, 32]. A folder stands for its <c>data_batch_*.bin</c> or <c>train.bin</c>, in the test for its
/// <c>test_batch.bin</c> or <c>test.bin</c>.
/// </summary>
public sealed record CifarData : DataSpec
{
    /// <summary>Files or folders.</summary>
    public required Seq<string> Train { get; init; }

    /// <summary>Files or folders; where there are none, test files in the folders of <c>Train</c>, if there are any.</summary>
    public Seq<string> Test { get; init; }

    /// <summary>10 or 100: which of the two formats.</summary>
    public int Classes { get; init; } = 10;

    /// <summary>Of CIFAR-100: the 20 coarse classes instead of the 100 fine ones.</summary>
    public bool Coarse { get; init; }

    public Augmentation Augmentation { get; init; } = Augmentation.None;
}

/// <summary>
/// PNG, JPEG and BMP files, a folder a class, in ordinal order of the folders' names. Of each the middle square is taken and brought to
/// <c>Resize</c> × <c>Resize</c> pixels; a sample is float32 [channels, <c>Size</c>, <c>Size</c>] of it.
/// </summary>
public sealed record ImageData : DataSpec
{
    public const int SizeMax = 1 << 12;

    /// <summary>The folder with the classes' folders, or one with such a folder <c>train</c> and one <c>test</c> or <c>val</c> in it.</summary>
    public required string Train { get; init; }

    /// <summary>Null: the one beside <c>train</c>, or a part of the images is held back.</summary>
    public string? Test { get; init; }

    /// <summary>How much is held back where there is no test folder; 0: nothing.</summary>
    public double TestFraction { get; init; } = 0.1;

    /// <summary>Which images are held back; null takes the job's seed.</summary>
    public ulong? Seed { get; init; }

    public int Size { get; init; } = 32;

    /// <summary>What images are brought to before a window of <c>Size</c> is cut out; 0: the same.</summary>
    public int Resize { get; init; }

    /// <summary>1, grey, or 3, red, green and blue.</summary>
    public int Channels { get; init; } = 3;

    public Augmentation Augmentation { get; init; } = Augmentation.None;
}

/// <summary>
/// A text in UTF-8. A sample is a window of <c>Length</c> tokens (int32), its label the token that follows each. The first nine tenths are
/// trained on, in each epoch in windows that begin elsewhere; the rest is held back, in consecutive windows.
/// </summary>
public sealed record TextData : DataSpec
{
    public const int LengthMax = 1 << 20;

    public required string Path { get; init; }

    public TextTokens Tokens { get; init; }

    public int Length { get; init; } = 64;
}

/// <summary>
/// Files of separated values in UTF-8, RFC 4180. Numbers become one feature each, standardised; a column of categories a feature for each
/// category. Columns are named as in the header, or by number, counted from 1. Values that are missing are refused.
/// </summary>
public sealed record CsvData : DataSpec
{
    public required string Train { get; init; }

    /// <summary>Null: a part of the training file is held back.</summary>
    public string? Test { get; init; }

    /// <summary>How much of the training file is held back where there is no test file; 0: nothing.</summary>
    public double TestFraction { get; init; } = 0.1;

    /// <summary>Which rows are held back; null takes the job's seed.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Whether the first line has the columns' names; null: if none of its fields is a number.</summary>
    public bool? Header { get; init; }

    public char Delimiter { get; init; } = ',';

    /// <summary>The column to predict; null is the last.</summary>
    public string? Label { get; init; }

    public TableTarget Target { get; init; }

    /// <summary>Columns that hold numbers; others do if everything in them is one.</summary>
    public Seq<string> Numeric { get; init; }

    /// <summary>Columns that hold categories even if they look like numbers.</summary>
    public Seq<string> Categorical { get; init; }

    /// <summary>Columns that nobody looks at.</summary>
    public Seq<string> Ignore { get; init; }

    /// <summary>Whether numbers become (x − mean) / deviation, by figures of the training rows.</summary>
    public bool Standardise { get; init; } = true;
}

/// <summary>What a table's label is.</summary>
public enum TableTarget
{
    /// <summary>A number if all are numbers and not all of them whole, else a class.</summary>
    Auto,

    /// <summary>Classes are numbered in order: whole numbers by value, anything else ordinally.</summary>
    Class,

    Number,
}

/// <summary>
/// Arrays of the host, taken as they are: sample after sample, each <c>Sample.Count</c> values, of whatever element type the arrays have.
/// Without classes the labels are what there is to predict.
/// </summary>
public sealed record InMemoryData : DataSpec
{
    public required Shape Sample { get; init; }

    /// <summary>Shape of one label: a scalar where a sample is of one class or has one number to predict.</summary>
    public Shape Label { get; init; } = Shape.Scalar;

    /// <summary>Labels (int) are 0 up to, not including, this; 0 where there are no classes.</summary>
    public int Classes { get; init; }

    public required HostValues TrainInputs { get; init; }

    public required HostValues TrainLabels { get; init; }

    public HostValues? TestInputs { get; init; }

    public HostValues? TestLabels { get; init; }
}

/// <summary>
/// Samples that the host hands over one after the other. They are read once, into memory, when the job is submitted, and are
/// <see cref="InMemoryData"/> from then on: training visits samples in another order in each epoch, which a sequence cannot, and a file to
/// keep them in is not ours to choose. What does not fit in memory belongs in files.
/// </summary>
public sealed record AsyncData : DataSpec
{
    public required Shape Sample { get; init; }

    /// <inheritdoc cref="InMemoryData.Label"/>
    public Shape Label { get; init; } = Shape.Scalar;

    /// <inheritdoc cref="InMemoryData.Classes"/>
    public int Classes { get; init; }

    public required IAsyncEnumerable<HostSample> Train { get; init; }

    public IAsyncEnumerable<HostSample>? Test { get; init; }
}

/// <summary>One sample: <c>Input</c> has <c>Sample.Count</c> values, <c>Label</c> <c>Label.Count</c>; all samples are of the same element types.</summary>
public readonly record struct HostSample(HostValues Input, HostValues Label);
