using Singa.Actors.Graph;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>Files of separated values: read once for what their columns are and once for their values.</summary>
internal static class CsvLoader
{
    private const int FeaturesMax = 1 << 20;

    public static Dataset Load(CsvData data, ulong jobSeed, CancellationToken cancellation)
    {
        Check(data);
        var layout = TableLayout.Of(data, cancellation);
        var rows = TableRows.Read(data, layout, cancellation);
        var columns = layout.Used.Select((place, i) => new TableColumn(layout.Names[place], rows.Columns[i].IsNumeric ? [] : rows.Columns[i].Sort(byValue: false))).ToSeq();
        if (columns.Sum(c => (long)c.Features) is > FeaturesMax and var features)
            throw new JobRefusedException($"{data.Train} has {features:N0} features with a feature for each category; more than {FeaturesMax:N0} are too many: ignore a column");
        var classes = rows.Label.IsNumeric ? [] : rows.Label.Sort(byValue: true);
        if (!rows.Label.IsNumeric && classes.Count < 2)
            throw new JobRefusedException($"every row of {data.Train} is of class '{classes[0]}'; there is nothing to learn: name another data.label");

        var (trained, held) = data.Test is null ? HeldBack.Split(rows.Count, data.TestFraction, data.Seed ?? jobSeed, data.Train) : (HeldBack.All(rows.Count), []);
        var normalisation = data.Standardise ? Figures(rows, trained, columns) : null;
        var tests = data.Test is null ? rows : rows.ReadTest(data, data.Test, cancellation);
        if (data.Test is not null)
            held = HeldBack.All(tests.Count);
        return new Dataset(
            new TableSamples(rows, trained, columns, classes.Count, normalisation),
            held.Length == 0 ? null : new TableSamples(tests, held, columns, classes.Count, normalisation), normalisation)
        {
            Columns = columns,
            ClassNames = classes,
        };
    }

    /// <summary>The files are read: only then is known how many categories there are.</summary>
    public static DataDescription Describe(CsvData data) => Load(data, jobSeed: 0, CancellationToken.None).Description;

    /// <summary>Of numeric columns over the training rows, one after the other: the same sums everywhere. What is one of two values stays so.</summary>
    private static Normalisation Figures(TableRows rows, int[] chosen, Seq<TableColumn> columns)
    {
        var (means, deviations) = (new List<double>(), new List<double>());
        for (int i = 0; i < columns.Count; i++)
        {
            double mean = 0, squares = 0;
            if (columns[i].IsNumeric)
            {
                foreach (int row in chosen)
                    mean += rows.Columns[i].Numbers[row] / chosen.Length;
                foreach (int row in chosen)
                    squares += (rows.Columns[i].Numbers[row] - mean) * (rows.Columns[i].Numbers[row] - mean) / chosen.Length;
            }

            double deviation = Math.Sqrt(squares);
            means.AddRange(Enumerable.Repeat(mean, columns[i].Features));
            deviations.AddRange(Enumerable.Repeat(deviation > 0 && double.IsFinite(deviation) ? deviation : 1, columns[i].Features));
        }

        return new Normalisation(means.ToSeq(), deviations.ToSeq());
    }

    private static void Check(CsvData data)
    {
        if (data.Delimiter is not ('\t' or (>= ' ' and <= '~')) || char.IsAsciiLetterOrDigit(data.Delimiter) || data.Delimiter is '"' or '.' or '-' or '+')
            throw new JobRefusedException($"data.delimiter cannot be '{data.Delimiter}', which values have in them; give one such as , or ; or a tab");
    }
}
