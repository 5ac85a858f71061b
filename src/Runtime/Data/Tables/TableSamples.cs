using System.Runtime.InteropServices;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>Rows as samples: float32 [features], labels class numbers or float32 numbers. Categories stay numbers until they are read.</summary>
internal sealed class TableSamples : ISampleSource
{
    private readonly (float[]? Numbers, int[]? Categories, int Features)[] columns;
    private readonly float[]? numbers;
    private readonly int[]? classes;

    /// <param name="chosen">Which rows, in order.</param>
    public TableSamples(TableRows rows, int[] chosen, Seq<TableColumn> columns, int classes, Normalisation? normalisation)
    {
        Classes = classes;
        this.columns = new (float[]?, int[]?, int)[columns.Count];
        int feature = 0;
        for (int i = 0; i < columns.Count; i++)
        {
            var (values, first) = (rows.Columns[i], feature);
            this.columns[i] = values.IsNumeric
                ? (Array.ConvertAll(chosen, row => TableColumn.Standardised(values.Numbers[row], normalisation, first)), null, 1)
                : (null, Array.ConvertAll(chosen, row => values.Categories[row]), columns[i].Features);
            feature += columns[i].Features;
        }

        if (rows.Label.IsNumeric)
            numbers = Array.ConvertAll(chosen, row => (float)rows.Label.Numbers[row]);
        else
            this.classes = Array.ConvertAll(chosen, row => rows.Label.Categories[row]);
        Count = chosen.Length;
        Sample = new TensorType(DType.Float32, Shape.Of(feature));
    }

    public long Count { get; }

    public TensorType Sample { get; }

    public TensorType Label => new(numbers is null ? DType.Int32 : DType.Float32, Shape.Scalar);

    public int Classes { get; }

    public void Read(int epoch, ReadOnlySpan<long> samples, Span<byte> inputs, Span<byte> labels)
    {
        var values = MemoryMarshal.Cast<byte, float>(inputs);
        int features = (int)Sample.Shape[0];
        for (int i = 0; i < samples.Length; i++)
        {
            int row = (int)samples[i];
            Write(row, values.Slice(i * features, features));
            if (numbers is null)
                MemoryMarshal.Cast<byte, int>(labels)[i] = classes![row];
            else
                MemoryMarshal.Cast<byte, float>(labels)[i] = numbers[row];
        }
    }

    private void Write(int row, Span<float> target)
    {
        foreach (var (numbers, categories, features) in columns)
        {
            target[..features].Clear();
            if (numbers is not null)
                target[0] = numbers[row];
            else
                target[categories![row]] = 1;
            target = target[features..];
        }
    }
}
