using Google.Protobuf;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;
using static Singa.Actors.Graph.Tests.Onnx.Models;

namespace Singa.Actors.Graph.Tests.Onnx;

/// <summary>What files may ask for: everything is refused by one sentence before memory is taken.</summary>
public sealed class WireCheckTests
{
    private static readonly byte[] Whole = OnnxFile.Write(Model(Nodes(["a", "b"], ["y"], Node("y = Add(a, b)"))));

    [Fact]
    public void A_model_survives_the_journey_byte_for_byte()
    {
        var read = OnnxFile.ReadModel(Whole);
        Assert.Equal("Add", read.Graph.Node[0].OpType);
        Assert.Equal(Whole, OnnxFile.Write(read));
    }

    [Fact]
    public void Every_cut_of_a_model_is_refused_or_a_smaller_model()
    {
        for (int length = 1; length < Whole.Length; length++)
        {
            try
            {
                Assert.True(OnnxFile.ReadModel(Whole.AsSpan(0, length)).CalculateSize() <= length);
            }
            catch (OnnxException)
            {
                // One sentence: that is all there is to say.
            }
        }
    }

    [Fact]
    public void Lengths_beyond_the_file_are_refused() =>
        Assert.Contains("says it has 127 bytes and 1 are left", Assert.Throws<OnnxException>(() => OnnxFile.ReadModel([0x3A, 0x7F, 0x00])).Message);

    [Fact]
    public void Known_fields_of_a_wrong_kind_are_refused() =>
        Assert.Contains("graph of ModelProto is not as the format has it", Assert.Throws<OnnxException>(() => OnnxFile.ReadModel([0x38, 0x01])).Message);

    [Fact]
    public void Unknown_fields_are_skipped() => Assert.Equal(3, OnnxFile.ReadModel([0x08, 0x03, 0x98, 0x3E, 0x01]).IrVersion);

    [Fact]
    public void Graphs_in_graphs_without_end_are_refused()
    {
        var graph = Nodes([], []);
        for (int i = 0; i < 40; i++)
            graph = Nodes([], [], Node("y = If(c)", Body("then_branch", graph)));
        Assert.Contains("deep", Assert.Throws<OnnxException>(() => OnnxFile.ReadModel(OnnxFile.Write(Model(graph)))).Message);
    }

    [Fact]
    public void Many_small_messages_take_no_more_memory_than_allowed()
    {
        // Two bytes a node in the file, hundreds in memory.
        var graph = new GraphProto();
        graph.Node.AddRange(Enumerable.Range(0, 100_000).Select(_ => new NodeProto()));
        var limits = OnnxLimits.Default with { MemoryBytes = 1 << 20 };
        Assert.Contains("MiB", Assert.Throws<OnnxException>(() => OnnxFile.ReadModel(OnnxFile.Write(Model(graph)), limits)).Message);
    }

    [Fact]
    public void Text_that_is_no_text_is_refused() =>
        Assert.Contains("is no text", Assert.Throws<OnnxException>(() => OnnxFile.ReadModel([0x12, 0x01, 0xFF])).Message);
}
