using System.Text;
using Google.Protobuf;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Runtime.Checking;
using Kind = Singa.Actors.Graph.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace Singa.Actors.Runtime.Tests.Checking;

public sealed class FileCheckTests
{
    [Fact]
    public void Real_files_are_as_they_should_be() =>
        Assert.Equal([], RealFiles.All.Select(f => (f.Name, Reason: Judge(f.Name, f.Content))).Where(r => r.Reason is not null).Select(r => $"{r.Name}: {r.Reason}"));

    public static TheoryData<string, Action<ModelProto>> WrongModels => new()
    {
        { "ir_version is missing", m => m.ClearIrVersion() },
        { "the model has no graph", m => m.Graph = null },
        { "the model imports no version", m => m.OpsetImport.Clear() },
        { "imports version -1", m => m.OpsetImport[0].Version = -1 },
        { "of which no version is imported", m => m.Graph.Node[0].Domain = "elsewhere" },
        { "node 'fc' has no operator", m => m.Graph.Node[0].ClearOpType() },
        { "reads 'v', which nothing before it makes", m => m.Graph.Node[0].Input[0] = "v" },
        { "makes 'x', which is made before it", m => m.Graph.Node[0].Output[0] = "x" },
        { "output 'y' is made by no node", m => m.Graph.Node.Clear() },
        { "input 'x' stands twice", m => m.Graph.Input.Add(m.Graph.Input[0].Clone()) },
        { "input 'x' has no type", m => m.Graph.Input[0].Type = null },
        { "has elements of type 99", m => m.Graph.Input[0].Type.TensorType.ElemType = 99 },
        { "has a dimension of -7", m => m.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = -7 },
        { "initialiser 'w' stands twice", m => m.Graph.Initializer.Add(m.Graph.Initializer[0].Clone()) },
        { "has 24 bytes of data for float32[2, 4]", m => m.Graph.Initializer[0].Dims[1] = 4 },
        { "which the format does not have", m => m.Graph.Initializer[0].DataType = 1000 },
        { "has attribute transB twice", m => m.Graph.Node[0].Attribute.Add(m.Graph.Node[0].Attribute[0].Clone()) },
        { "is of type Float and has Int", m => m.Graph.Node[0].Attribute[0].Type = Kind.Float },
        { "transB of node 'fc' (Gemm) has no type", m => m.Graph.Node[0].Attribute[0].ClearType() },
        { "has attribute transC, which Gemm does not", m => m.Graph.Node[0].Attribute[0].Name = "transC" },
        { "should be Int", m => m.Graph.Node[0].Attribute[0] = new AttributeProto { Name = "transB", Type = Kind.Ints, Ints = { 1 } } },
        { "has 1 inputs; Gemm has 2 to 3", m => m.Graph.Node[0].Input.RemoveAt(1) },
        { "summed axes", m => m.Graph.Input[0].Type.TensorType.Shape.Dim[1].DimValue = 5 },
        { "output 'y' would be float32[4, 2]", m => m.Graph.Output[0].Type.TensorType.Shape.Dim[1].DimValue = 3 },
        { "outside of the model's folder", m => Outside(m.Graph.Initializer[0]) },
        { "metadata has 'k' twice", m => m.MetadataProps.AddRange([new StringStringEntryProto { Key = "k" }, new StringStringEntryProto { Key = "k" }]) },
        { "a graph has no name", m => m.Graph.ClearName() },
        { "output 'y' stands twice", m => m.Graph.Output.Add(m.Graph.Output[0].Clone()) },
        { "input 1 of node 'fc' (Gemm) is int64", m => { m.Graph.Initializer[0].DataType = 7; m.Graph.Initializer[0].Dims[1] = 3; m.Graph.Initializer[0].RawData = ByteString.CopyFrom(new byte[48]); } },
        { "and the graph says that it is int64", m => m.Graph.Output[0].Type.TensorType.ElemType = 7 },
        { "lacks attribute to", m => { m.Graph.Node[0].OpType = "Cast"; m.Graph.Node[0].Input.RemoveAt(1); m.Graph.Node[0].Attribute.Clear(); } },
        { "more than one field", m => m.Graph.Initializer[0].FloatData.Add(1) },
        { "initialiser 'w' is no input", m => m.IrVersion = 3 },
        { "has an index outside of it", m => m.Graph.SparseInitializer.Add(new SparseTensorProto { Dims = { 4 }, Values = Numbers("s", 1, 1f), Indices = Numbers("", 1, 9L) }) },
        { "'x2' would be float32[4, 2], which the graph says it is not", m => { m.Graph.Node.Add(new NodeProto { OpType = "Relu", Input = { "y" }, Output = { "x2" } }); m.Graph.ValueInfo.Add(m.Graph.Input[0].Clone()); m.Graph.ValueInfo[0].Name = "x2"; } },
        { "calls itself", m => m.Functions.Add(new FunctionProto { Name = "f", Domain = "d", Node = { new NodeProto { OpType = "f", Domain = "d" } }, OpsetImport = { new OperatorSetIdProto { Domain = "d", Version = 1 } } }) },
    };

    [Theory]
    [MemberData(nameof(WrongModels))]
    public void Models_that_contradict_themselves_are_refused(string reason, Action<ModelProto> change)
    {
        var model = RealFiles.Model();
        change(model);
        Assert.Contains(reason, Judge("model.onnx", model.ToByteArray()));
    }

    [Theory]
    [InlineData("job { model = ${job.model}, data { kind = digits } }", "line 1: ${job.model} leads back to itself")]
    [InlineData("singa { a = ${singa.b}\n b = ${singa.a} }\njob { model = mlp, data { kind = digits } }", "line 2: ${singa.a} leads back to itself")]
    [InlineData("include \"other.conf\"", "a job includes no other file")]
    [InlineData("job { model = mlp, data { kind = digits }, epochs = many }", "must be a whole number")]
    [InlineData("job { model { name = gpt-mini, layers = 1000000000 }, data { kind = text, path = none } }", null)]
    [InlineData("singa { host = here }\njob { model = mlp, data { kind = csv, path = ${singa.host}/t.csv } }", null)]
    public void Jobs_are_judged_with_what_they_refer_to(string text, string? reason)
    {
        string? said = Judge("a.conf", Encoding.UTF8.GetBytes(text));
        if (reason is null)
            Assert.Null(said);
        else
            Assert.Contains(reason, said);
    }

    [Fact]
    public void References_that_multiply_are_refused_before_they_are_resolved()
    {
        string lines = string.Concat(Enumerable.Range(1, 30).Select(i => $"a{i} = ${{singa.a{i - 1}}}${{singa.a{i - 1}}}\n"));
        Assert.Contains("characters of it", Judge("a.conf", Encoding.UTF8.GetBytes($"singa {{ a0 = xx\n{lines} }}\njob {{ model = mlp, data {{ kind = digits }} }}")));
    }

    [Theory]
    [InlineData("table.tra", "1,2,3\n4,5,6\n", null)]
    [InlineData("job", "job { model = mlp, data { kind = digits } }", null)]
    [InlineData("text.txt", "", "it is empty")]
    [InlineData("readme", "some words, and more\nwords without", "of no kind that is known")]
    public void Names_that_say_nothing_are_told_by_content(string name, string content, string? reason)
    {
        string? said = Judge(name, Encoding.UTF8.GetBytes(content));
        Assert.Equal(reason is null, said is null);
        Assert.Contains(reason ?? "", said ?? "");
    }

    [Fact]
    public void A_few_words_among_numbers_are_taken_for_slips()
    {
        string Table(string field) => "a,b\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{(i == 7 ? field : i)},x\n"));
        Assert.Null(Judge("a.csv", Encoding.UTF8.GetBytes(Table("7"))));
        foreach (string wrong in new[] { "seven", "nan", "inf", "1e999", "" })
            Assert.Contains("line 9: column 'a' has", Judge("a.csv", Encoding.UTF8.GetBytes(Table(wrong))));
    }

    [Fact]
    public void Records_of_cifar_are_whole_and_have_labels_that_there_are()
    {
        byte[] records = [.. new byte[3073], 9, .. new byte[3072]];
        Assert.Null(Judge("a.bin", records));
        records[3073] = 10;
        Assert.Contains("record 1 has label 10 of 10 classes", Judge("a.bin", records));
        Assert.Contains("no whole records", Judge("a.bin", records[..^1]));
        Assert.Null(Judge("a.bin", [19, 99, .. new byte[3072]]));
        Assert.Contains("label 100 of 100 classes", Judge("a.bin", [19, 100, .. new byte[3072]]));
    }

    [Fact]
    public void Zipped_files_are_whole_to_their_last_byte()
    {
        byte[] zipped = RealFiles.All.Single(f => f.Name.EndsWith(".gz", StringComparison.Ordinal)).Content;
        for (int length = 1; length < zipped.Length; length++)
            Assert.NotNull(Judge("a.gz", zipped[..length]));
        Assert.NotNull(Judge("a.gz", [.. zipped, 0]));
    }

    [Fact]
    public void Optional_inputs_may_be_left_out_where_later_ones_are_given()
    {
        var model = RealFiles.Model();
        model.Graph.Node.Add(new NodeProto { OpType = "Clip", Input = { "y", "", "one" }, Output = { "z" } });
        model.Graph.Initializer.Add(Numbers("one", 0, 1f));
        Assert.Null(Judge("model.onnx", model.ToByteArray()));
        model.Graph.Node[^1].Input[0] = "";
        Assert.Contains("leaves out input 0", Judge("model.onnx", model.ToByteArray()));
    }

    [Fact]
    public void Functions_that_call_one_another_twice_over_take_little_time()
    {
        var model = RealFiles.Model();
        for (int i = 0; i < 40; i++)
        {
            string next = i == 39 ? "Relu" : $"f{i + 1}", domain = i == 39 ? "" : "d";
            model.Functions.Add(new FunctionProto
            {
                Name = $"f{i}", Domain = "d", Input = { "a" }, Output = { "c" }, OpsetImport = { new OperatorSetIdProto { Version = 17 }, new OperatorSetIdProto { Domain = "d", Version = 1 } },
                Node = { new NodeProto { OpType = next, Domain = domain, Input = { "a" }, Output = { "b" } }, new NodeProto { OpType = next, Domain = domain, Input = { "b" }, Output = { "c" } } },
            });
        }

        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "d", Version = 1 });
        model.Graph.Node.Add(new NodeProto { OpType = "f0", Domain = "d", Input = { "y" }, Output = { "z" } });
        Assert.Null(Judge("model.onnx", model.ToByteArray()));
    }

    [Fact]
    public void Operators_that_we_lack_are_no_fault()
    {
        var model = RealFiles.Model();
        (model.Graph.Node[0].OpType, model.Graph.Node[0].Domain) = ("Frobnicate", "com.example");
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.example", Version = 3 });
        Assert.Null(Judge("model.onnx", model.ToByteArray()));
    }

    [Theory]
    [InlineData("a.csv", "a,b\n1,2\n3\n", "line 3: it has 1 fields")]
    [InlineData("a.csv", "a,b\n1,\"2\n", "a quote is never closed")]
    [InlineData("a.csv", "a,b\n1,2.5\n,3\n", "column 'a' has no value")]
    [InlineData("a.csv", "a,a\n1,2\n", "two columns are named 'a'")]
    [InlineData("a.csv", "", "is empty")]
    [InlineData("a.conf", "job { model = lenett }", "did you mean lenet?")]
    [InlineData("a.conf", "job { model = mlp, data { kind = digits", "is never closed")]
    [InlineData("a.conf", "jobs { }", "did you mean job?")]
    [InlineData("a.bin", "no records", "no whole records")]
    [InlineData("a.idx", "none", "which no IDX file does")]
    [InlineData("a.safetensors", "none", "shorter than 8 bytes")]
    [InlineData("a.xyz", "?", "of no kind that is known")]
    public void Other_files_are_refused_with_their_reasons(string name, string content, string reason) =>
        Assert.Contains(reason, Judge(name, Encoding.UTF8.GetBytes(content)));

    [Theory]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 2, 5 }, "promises 10 bytes, it has 9")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 2, 5, 6, 7 }, "promises 10 bytes, it has 11")]
    [InlineData(new byte[] { 0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, "more bytes than there are")]
    [InlineData(new byte[] { 0, 0, 8, 3, 0, 0 }, "ends within its header")]
    [InlineData(new byte[] { 0x1F, 0x8B, 8, 0, 0, 0 }, "ends within")]
    public void Idx_files_have_as_many_bytes_as_they_promise(byte[] content, string reason) => Assert.Contains(reason, Judge("a.idx", content));

    [Fact]
    public void A_job_without_its_data_at_hand_is_still_a_job() =>
        Assert.Null(Judge("a.conf", "job { model = lenet, data { kind = idx, train-images = none, train-labels = none } }"u8.ToArray()));

    private static TensorProto Numbers<T>(string name, int rank, params T[] values)
    {
        var tensor = new TensorProto { Name = name };
        if (values is long[] longs)
            tensor.Int64Data.AddRange(longs);
        else
            tensor.FloatData.AddRange((float[])(object)values);
        tensor.DataType = values is long[] ? 7 : 1;
        if (rank > 0)
            tensor.Dims.Add(values.Length);
        return tensor;
    }

    private static void Outside(TensorProto tensor)
    {
        tensor.ClearRawData();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../w.bin" });
    }

    private static string? Judge(string name, byte[] content) => FileCheck.Refusal(name, new MemoryStream(content));
}
