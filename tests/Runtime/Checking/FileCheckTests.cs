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

    private static void Outside(TensorProto tensor)
    {
        tensor.ClearRawData();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "../w.bin" });
    }

    private static string? Judge(string name, byte[] content) => FileCheck.Refusal(name, new MemoryStream(content));
}
