using System.Text;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Tables;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class CsvDataTests : IDisposable
{
    private const string People = """"
        height,colour,age,kind
        1.5,red,30,cat
        2.5,"blue, dark",50,dog
        2.0,red,40,cat

         2.0 ,green, 20,"a ""bird"""
        """";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Numbers_are_standardised_and_categories_become_a_feature_each()
    {
        var dataset = await Load(Csv(People) with { TestFraction = 0 });
        Assert.Equal(new TensorType(DType.Float32, Shape.Of(5)), dataset.Train.Sample);
        Assert.Equal(3, dataset.Train.Classes);
        Assert.Equal(["a \"bird\"", "cat", "dog"], dataset.Description.ClassNames);
        Assert.Equal([new TableColumn("height", []), new TableColumn("colour", ["blue, dark", "green", "red"]), new TableColumn("age", [])], dataset.Description.Columns);
        Assert.Null(dataset.Test);

        var (inputs, labels) = dataset.Train.Read<float, int>(0, 1, 3);
        float height = (float)(0.5 / Math.Sqrt(0.125)), age = (float)(15 / Math.Sqrt(125));
        Assert.Equal([height, 1, 0, 0, age, 0, 0, 1, 0, -age], inputs);
        Assert.Equal([2, 0], labels);
        Assert.Equal(inputs[..5], TableColumn.Encode(dataset.Columns, dataset.Normalisation, ["2.5", "blue, dark", "50"]));
        Assert.Throws<ArgumentException>(() => TableColumn.Encode(dataset.Columns, dataset.Normalisation, ["2.5", "pink", "50"]));
        Assert.Throws<ArgumentException>(() => TableColumn.Encode(dataset.Columns, dataset.Normalisation, ["tall", "red", "50"]));
        Assert.Throws<ArgumentException>(() => TableColumn.Encode(dataset.Columns, dataset.Normalisation, ["2.5", "red"]));
    }

    [Fact]
    public async Task Columns_may_be_named_or_numbered_and_be_what_they_do_not_look_like()
    {
        var data = Csv(People) with { Label = "colour", Categorical = ["3"], Ignore = ["kind"], TestFraction = 0, Standardise = false };
        var dataset = await Load(data);
        Assert.Equal([new TableColumn("height", []), new TableColumn("age", ["20", "30", "40", "50"])], dataset.Description.Columns);
        Assert.Equal([1.5f, 0, 1, 0, 0], dataset.Train.Read<float, int>(0, 0).Inputs);
        Assert.Null(dataset.Normalisation);

        var regression = await Load(data with { Label = "1", Categorical = [], Ignore = ["2", "4"] });
        Assert.Equal(new TensorType(DType.Float32, Shape.Scalar), regression.Train.Label);
        Assert.Equal((0, 1), (regression.Description.Classes, regression.Description.Outputs));
        Assert.Equal([1.5f, 2.5f, 2, 2], regression.Train.Read<float, float>(0, 0, 1, 2, 3).Labels);
        Assert.Equal(3, (await Load(data with { Label = "height", Categorical = [], Target = TableTarget.Class })).Train.Classes);
        var ages = await Load(data with { Label = "age", Categorical = [], Target = TableTarget.Number });
        Assert.Equal([30f], ages.Train.Read<float, float>(0, 0).Labels);
    }

    [Fact]
    public async Task Classes_that_are_whole_numbers_are_numbered_by_value()
    {
        var dataset = await Load(Csv("1;10\n2;9\n3;10\n4;-1\n") with { Delimiter = ';', TestFraction = 0 });
        Assert.Equal(["-1", "9", "10"], dataset.Description.ClassNames);
        Assert.Equal([2, 1, 2, 0], dataset.Train.Read<float, int>(0, 0, 1, 2, 3).Labels);
        Assert.Equal(["1"], dataset.Description.Columns.Select(c => c.Name));
    }

    [Theory]
    [InlineData(null, 4)]
    [InlineData(true, 3)]
    [InlineData(false, 4)]
    public async Task A_header_is_what_has_no_number_in_it(bool? header, int rows) =>
        Assert.Equal(rows, (await Load(Csv("1.5,a\n2,b\n3,a\n4,b\n") with { Header = header, TestFraction = 0 })).Train.Count);

    [Fact]
    public async Task Rows_that_are_held_back_are_drawn_for_the_seed_and_no_row_is_lost()
    {
        var data = Csv(string.Concat(Enumerable.Range(0, 50).Select(i => $"{i},{(i % 2 == 0 ? "even" : "odd")}\n"))) with { TestFraction = 0.2, Standardise = false };
        var (first, again, other) = (await Load(data), await Load(data), await Load(data, seed: 2));
        Assert.Equal((40L, 10L), (first.Train.Count, first.Test!.Count));
        Assert.Equal(first.Description, DataLoader.Describe(data));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (float)i), All(first.Train).Concat(All(first.Test)).Order());
        Assert.Equal(All(first.Train).Order(), All(first.Train));
        Assert.Equal(All(first.Test), All(again.Test!));
        Assert.NotEqual(All(first.Test), All(other.Test!));
        Assert.Equal(All(first.Test), All((await Load(data with { Seed = 1 }, seed: 2)).Test!));

        static float[] All(ISampleSource source) => source.Read<float, int>(0, [.. Enumerable.Range(0, (int)source.Count).Select(i => (long)i)]).Inputs;
    }

    [Fact]
    public async Task A_test_file_is_read_with_the_training_files_columns_and_figures()
    {
        var data = Csv(People) with { Test = folder.Write("t.csv", "height,colour,age,kind\n2.5,red,35,dog\n"u8.ToArray()) };
        var dataset = await Load(data);
        Assert.Equal((4L, 1L), (dataset.Train.Count, dataset.Test!.Count));
        var (inputs, labels) = dataset.Test.Read<float, int>(0, 0);
        Assert.Equal([(float)(0.5 / Math.Sqrt(0.125)), 0, 0, 1, 0], inputs);
        Assert.Equal([2], labels);
    }

    [Theory]
    [InlineData("height,colour,age\n", "t.csv, line 1: column 4 is not named 'kind'")]
    [InlineData("height,age,colour,kind\n", "t.csv, line 1: column 2 is not named 'colour'")]
    [InlineData("height,colour,age,kind\n1,pink,2,cat\n", "t.csv, line 2: column 'colour' has 'pink', which the training file does not have")]
    [InlineData("height,colour,age,kind\n1,red,2,cat\n1,red,2,cow\n", "t.csv, line 3: column 'kind' has 'cow', which the training file does not have")]
    [InlineData("height,colour,age,kind\n", "t.csv has no rows")]
    [InlineData("", "t.csv has no rows")]
    public async Task A_test_file_that_does_not_fit_is_refused(string test, string sentence) =>
        await Refused(Csv(People) with { Test = folder.Write("t.csv", Encoding.UTF8.GetBytes(test)) }, sentence);

    [Theory]
    [InlineData("a,b,c\n1,2,x\n3,,y\n", "d.csv, line 3: column 'b' has no value; fill it in")]
    [InlineData("a,b,c\n1,2,x\n\n3,\"  \",y\n", "d.csv, line 4: column 'b' has no value")]
    [InlineData("a,b,c\n1,2,x\n3,NA,y\n", "d.csv, line 3: column 'b' has 'NA', which is no number")]
    [InlineData("a,b,c\n1,2,x\n3,NaN,y\n", "d.csv, line 3: column 'b' has 'NaN', which is no number")]
    [InlineData("a,b,c\n1,2,x\n3,4,\n", "d.csv, line 3: column 'c' has no value")]
    [InlineData("a,b,c\n1,\"2\n\n\",x\n3,\"q\",\n", "d.csv, line 5: column 'c' has no value")]
    [InlineData("a,b,c\n1,2,x\n3,4\n", "d.csv, line 3: it has 2 fields where the first line of the training file has 3")]
    [InlineData("a,b,c\n1,2,x\n3,4,5,6\n", "d.csv, line 3: it has 4 fields")]
    [InlineData("a,b,c\n1,2,x\n3,\"4,y\n", "d.csv, line 3: a quote is never closed")]
    [InlineData("a,b,a\n1,2,x\n", "d.csv, line 1: two columns are named 'a'")]
    [InlineData("a,,c\nu,v,x\n", "d.csv, line 1: column 2 has no name")]
    [InlineData("a\nb\n", "d.csv, line 1: it has one field")]
    [InlineData("a,b,c\n", "d.csv has no row beside its header")]
    [InlineData("", "d.csv is empty")]
    [InlineData("\n\n\n", "d.csv is empty")]
    [InlineData("a,b\n1,x\n2,x\n", "every row of ")]
    public async Task What_is_wrong_is_refused_with_file_line_and_column(string text, string sentence) => await Refused(Csv(text), sentence);

    [Fact]
    public async Task Settings_that_do_not_fit_are_refused()
    {
        var data = Csv(People);
        await Refused(data with { Label = "sort" }, "data.label names 'sort', but");
        await Refused(data with { Label = "0" }, "data.label names '0'");
        await Refused(data with { Ignore = ["hight"] }, "data.columns.ignore names 'hight', but");
        await Refused(data with { Ignore = ["hight"] }, "did you mean height?");
        await Refused(data with { Numeric = ["age"], Categorical = ["3"] }, "names 'age' twice");
        await Refused(data with { Ignore = ["kind"] }, "names 'kind', which is the label");
        await Refused(data with { Ignore = ["1", "2", "3"] }, "leaves no column");
        await Refused(data with { Numeric = ["colour"] }, "line 2: column 'colour' has 'red', which is no number");
        await Refused(data with { Target = TableTarget.Number }, "line 2: column 'kind' has 'cat', which is no number");
        await Refused(data with { TestFraction = 1 }, "data.test-fraction is 1");
        await Refused(data with { Delimiter = '"' }, "data.delimiter cannot be");
        await Refused(data with { Delimiter = ';' }, "it has one field");
        await Refused(Csv("1,0.5\n"), "has one sample, and some are to be held back");
        await Refused(new CsvData { Train = folder.Write("d.csv", [.. "a,b\n1,"u8, 0xFF, 10]) }, "d.csv is not UTF-8, near line 1");
        await Refused(Csv(string.Concat(Enumerable.Range(0, 1002).Select(i => $"id{i},{i % 2}\n"))), "line 1001: column '1' has more than 1,000 categories");
        await Refused(Csv("x,1e39\ny,2\n"), "d.csv");
    }

    [Fact]
    public async Task A_byte_order_mark_and_other_line_ends_are_nobodys_values()
    {
        var dataset = await Load(new CsvData { Train = folder.Write("d.csv", [0xEF, 0xBB, 0xBF, .. "a,b\r\n1,x\r\n2,y"u8]), TestFraction = 0 });
        Assert.Equal(["a"], dataset.Columns.Select(c => c.Name));
        Assert.Equal(["x", "y"], dataset.ClassNames);
    }

    /// <summary>Whatever is in a file: it is a table, or a refusal.</summary>
    [Fact]
    public async Task Garbage_is_read_or_refused()
    {
        var random = new Random(7);
        const string letters = "\",\n\r\t 1.-eNaä";
        for (int i = 0; i < 2000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => letters[random.Next(letters.Length)]));
            var content = Encoding.UTF8.GetBytes(i % 3 == 0 ? text : $"a,b,c\n1,2,x\n3,4,y\n{text}\n2,2,y");
            if (i % 5 == 0 && content.Length > 0)
                content[random.Next(content.Length)] = (byte)random.Next(256);
            try
            {
                var dataset = await Load(new CsvData { Train = folder.Write("d.csv", content), TestFraction = i % 2 * 0.5 });
                Assert.All(Inputs(dataset.Train), value => Assert.True(float.IsFinite(value)));
            }
            catch (JobRefusedException refusal)
            {
                Assert.Contains("d.csv", refusal.Message);
            }
        }

        static float[] Inputs(ISampleSource source) =>
            source.Label.DType == DType.Int32 ? source.Read<float, int>(0, source.Count - 1).Inputs : source.Read<float, float>(0, source.Count - 1).Inputs;
    }

    private CsvData Csv(string text) => new() { Train = folder.Write("d.csv", Encoding.UTF8.GetBytes(text)) };

    private static Task<Dataset> Load(CsvData data, ulong seed = 1) => DataLoader.LoadAsync(data, seed);

    private static async Task Refused(CsvData data, string sentence)
    {
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => Load(data));
        Assert.Contains(sentence, refusal.Message);
        Assert.Equal(refusal.Message, Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data)).Message);
    }
}
