using Google.Protobuf;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Schema;
using static Singa.Actors.Graph.Tests.Onnx.Models;

namespace Singa.Actors.Graph.Tests.Onnx;

public sealed class TensorReaderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("singa-onnx-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(ElementType.Int8, new byte[] { 0xFF, 2 }, new double[] { -1, 2 })]
    [InlineData(ElementType.UInt8, new byte[] { 0xFF, 2 }, new double[] { 255, 2 })]
    [InlineData(ElementType.Int16, new byte[] { 0xFE, 0xFF, 2, 0 }, new double[] { -2, 2 })]
    [InlineData(ElementType.UInt16, new byte[] { 0xFE, 0xFF, 2, 0 }, new double[] { 65534, 2 })]
    [InlineData(ElementType.UInt32, new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, new double[] { 4294967294 })]
    [InlineData(ElementType.UInt64, new byte[] { 0, 0, 0, 0, 0, 0, 0, 0x80 }, new double[] { 9223372036854775808 })]
    [InlineData(ElementType.Int4, new byte[] { 0x7F, 0x08 }, new double[] { -1, 7, -8 })]
    [InlineData(ElementType.UInt4, new byte[] { 0x7F, 0x08 }, new double[] { 15, 7, 8 })]
    [InlineData(ElementType.Int2, new byte[] { 0b_10_01_11_00 }, new double[] { 0, -1, 1, -2 })]
    [InlineData(ElementType.Bool, new byte[] { 0, 1 }, new double[] { 0, 1 })]
    [InlineData(ElementType.Float16, new byte[] { 0x00, 0x3C, 0x00, 0xFC }, new double[] { 1, double.NegativeInfinity })]
    [InlineData(ElementType.BFloat16, new byte[] { 0x80, 0x3F, 0x80, 0xFF }, new double[] { 1, double.NegativeInfinity })]
    [InlineData(ElementType.Float8E4M3FN, new byte[] { 0x7E, 0x01, 0x7F }, new double[] { 448, 0.001953125, double.NaN })]
    [InlineData(ElementType.Float8E4M3FNUZ, new byte[] { 0x7F, 0x80 }, new double[] { 240, double.NaN })]
    [InlineData(ElementType.Float8E5M2, new byte[] { 0x7B, 0x7C }, new double[] { 57344, double.PositiveInfinity })]
    [InlineData(ElementType.Float8E5M2FNUZ, new byte[] { 0x7F, 0x80 }, new double[] { 57344, double.NaN })]
    [InlineData(ElementType.Float4E2M1, new byte[] { 0xF7 }, new double[] { 6, -6 })]
    [InlineData(ElementType.Float8E8M0, new byte[] { 127, 128 }, new double[] { 1, 2 })]
    public void Raw_data_of_every_type_is_read_and_written(ElementType type, byte[] raw, double[] expected)
    {
        var proto = new TensorProto { DataType = (int)type, Dims = { expected.Length }, RawData = ByteString.CopyFrom(raw) };
        var tensor = Assert.IsType<HostTensor>(new TensorReader(OnnxLimits.Default).Read(proto));
        Assert.Equal(expected, HostNumbers.Floats(tensor));
        Assert.Equal(raw, OnnxFile.ToProto(tensor).RawData.ToByteArray());
    }

    [Fact]
    public void Typed_fields_hold_what_raw_data_would()
    {
        Read(new TensorProto { DataType = (int)ElementType.Float16, Dims = { 1 }, Int32Data = { 0x3C00 } }, 1);
        Read(new TensorProto { DataType = (int)ElementType.Int4, Dims = { 3 }, Int32Data = { 0x7F, 0x08 } }, -1, 7, -8);
        Read(new TensorProto { DataType = (int)ElementType.UInt32, Dims = { 1 }, Uint64Data = { 7 } }, 7);
        Read(new TensorProto { DataType = (int)ElementType.Int8, Dims = { 2 }, Int32Data = { -3, 4 } }, -3, 4);
        Read(new TensorProto { DataType = (int)ElementType.Double, Dims = { 1 }, DoubleData = { 0.5 } }, 0.5);

        static void Read(TensorProto proto, params double[] expected) =>
            Assert.Equal(expected, HostNumbers.Floats(Assert.IsType<HostTensor>(new TensorReader(OnnxLimits.Default).Read(proto))));
    }

    [Theory]
    [InlineData(new long[] { 3 }, "has 2 values for float32[3]")]
    [InlineData(new long[] { -1 }, "has a dimension of -1")]
    [InlineData(new long[] { 1L << 40, 1L << 40 }, "has more elements than")]
    public void A_tensor_that_contradicts_itself_is_refused(long[] dims, string reason)
    {
        var proto = Floats("w", 1, 2);
        proto.Dims.Clear();
        proto.Dims.AddRange(dims);
        Assert.Contains("tensor 'w'", Assert.Throws<OnnxException>(() => new TensorReader(OnnxLimits.Default).Check(proto)).Message);
        Assert.Contains(reason, Assert.Throws<OnnxException>(() => new TensorReader(OnnxLimits.Default).Read(proto)).Message);
    }

    [Fact]
    public void Elements_beside_the_model_are_read_from_its_folder()
    {
        File.WriteAllBytes(Path.Combine(folder, "w.bin"), [9, 9, 0, 0, 0x80, 0x3F]);
        Assert.Equal([1], HostNumbers.Floats((HostTensor)Reader.Read(External("w.bin", ("offset", "2"), ("length", "4")))));
    }

    [Theory]
    [InlineData("../w.bin")]
    [InlineData("/etc/hostname")]
    [InlineData("a/../../w.bin")]
    [InlineData("link")]
    [InlineData("out/w.bin")]
    [InlineData("none.bin")]
    [InlineData("")]
    public void Nothing_outside_of_the_models_folder_is_read(string location)
    {
        string inner = Directory.CreateDirectory(Path.Combine(folder, "model")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "w.bin"), new byte[64]);
        File.CreateSymbolicLink(Path.Combine(inner, "link"), Path.Combine(folder, "w.bin"));
        Directory.CreateSymbolicLink(Path.Combine(inner, "out"), folder);
        var reader = new TensorReader(OnnxLimits.Default, new ExternalFolder(inner));
        Assert.Contains("tensor 'w'", Assert.Throws<OnnxException>(() => reader.Read(External(location))).Message);
    }

    [Theory]
    [InlineData("offset", "3", "bytes at 3")]
    [InlineData("offset", "-1", "offset of '-1'")]
    [InlineData("length", "5", "has 5 bytes")]
    public void Places_beyond_the_file_are_refused(string key, string value, string reason)
    {
        File.WriteAllBytes(Path.Combine(folder, "w.bin"), new byte[6]);
        Assert.Contains(reason, Assert.Throws<OnnxException>(() => Reader.Check(External("w.bin", (key, value)))).Message);
    }

    private TensorReader Reader => new(OnnxLimits.Default, new ExternalFolder(folder));

    private static TensorProto External(string location, params (string Key, string Value)[] entries)
    {
        var proto = new TensorProto { Name = "w", DataType = (int)ElementType.Float, Dims = { 1 }, DataLocation = TensorProto.Types.DataLocation.External };
        proto.ExternalData.AddRange(entries.Prepend(("location", location)).Select(e => new StringStringEntryProto { Key = e.Item1, Value = e.Item2 }));
        return proto;
    }
}
