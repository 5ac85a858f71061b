using System.Buffers.Binary;
using System.Text;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Tests.Models;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_in_ordinal_order_with_its_metadata()
    {
        NamedTensor[] tensors =
        [
            Tensor("b", DType.Float32, Shape.Of(2, 3), 24), Tensor("B", DType.Int64, Shape.Scalar, 8), Tensor("a\"ü", DType.UInt8, Shape.Of(3), 3),
            Tensor("empty", DType.Float64, Shape.Of(0, 4), 0), Tensor("z", DType.Bool, Shape.Of(1), 1), Tensor("i", DType.Int32, Shape.Of(1, 1), 4),
        ];
        SafeTensors.Save(folder["m"], tensors, new Dictionary<string, string> { ["model"] = "lenet", ["classes"] = "10" });
        var file = SafeTensors.Load(folder["m"]);

        Assert.Equal(["B", "a\"ü", "b", "empty", "i", "z"], file.Tensors.Select(t => t.Name));
        foreach (var tensor in tensors)
        {
            Assert.Equal(tensor.Type, file[tensor.Name].Type);
            Assert.Equal(tensor.Data.ToArray(), file[tensor.Name].Data.ToArray());
        }

        Assert.Equal("lenet", file.Metadata["model"]);
        Assert.Equal("10", file.Metadata["classes"]);
        Assert.False(System.IO.File.Exists(folder["m.part"]));
    }

    [Fact]
    public void Equal_weights_are_equal_bytes_in_whatever_order_they_come()
    {
        NamedTensor[] tensors = [Tensor("w", DType.Float32, Shape.Of(2), 8), Tensor("b", DType.Float32, Shape.Of(1), 4)];
        var metadata = new Dictionary<string, string> { ["y"] = "1", ["x"] = "2" };
        using MemoryStream one = new(), other = new();
        SafeTensors.Write(one, tensors, metadata);
        SafeTensors.Write(other, tensors.Reverse(), metadata.Reverse().ToDictionary());
        Assert.Equal(one.ToArray(), other.ToArray());

        long header = BinaryPrimitives.ReadInt64LittleEndian(one.ToArray());
        Assert.Equal(0, header % 8);
        Assert.Equal(
            """{"__metadata__":{"x":"2","y":"1"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
            Encoding.UTF8.GetString(one.ToArray().AsSpan(8, (int)header)).TrimEnd());
    }

    [Fact]
    public void The_digest_is_what_the_contract_says()
    {
        NamedTensor[] tensors = [Tensor("w", DType.Float32, Shape.Of(2, 1), 8), Tensor("b", DType.Int32, Shape.Scalar, 4)];
        byte[] text =
        [
            .. "b\0I32\0"u8, .. tensors[1].Data.Span,
            .. "w\0F32\0"u8, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, .. tensors[0].Data.Span,
        ];
        Assert.Equal("sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(text)), ModelDigest.Of(tensors));
    }

    public static TheoryData<string, byte[]> Wrong => new()
    {
        { "it is shorter than 8 bytes", [1, 2, 3] },
        { "does not fit its", [255, 255, 255, 255, 255, 255, 255, 127, 0] },
        { "does not fit its", [100, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}'] },
        { "header is not as the format says", File("not json", 0) },
        { "header is not as the format says", File("[]", 0) },
        { "header is not as the format says", File("""{"a":{"dtype":"F32","shape":[2]}}""", 8) },
        { "do not hold F32 [2]", File("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4) },
        { "header is not as the format says", File("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}""", 4) },
        { "header is not as the format says", File("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4) },
        { "elements of type F17; there are BF16, BOOL, C64, F16", File("""{"a":{"dtype":"F17","shape":[2],"data_offsets":[0,4]}}""", 4) },
        { "begins at 4, not where", File("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8) },
        { "begins at 2, not where", File("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6) },
        { "its tensors are 4 bytes, what follows the header 3", File("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 3) },
        { "one of its parts twice", File("""{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1) },
        { "metadata has 'k' twice", File("""{"__metadata__":{"k":"","k":""}}""", 0) },
        { "a Number stands where a String should", File("""{"__metadata__":{"k":1}}""", 0) },
        { "do not hold F4 [3]", File("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", 2) },
        { "it does not begin with {", File(""" {}""", 0) },
        { "'a' stands twice", File("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2) },
    };

    [Theory]
    [InlineData("I8", DType.Int32, new byte[] { 0xFF, 2 }, new double[] { -1, 2 })]
    [InlineData("I16", DType.Int32, new byte[] { 0xFE, 0xFF }, new double[] { -2 })]
    [InlineData("U16", DType.Int32, new byte[] { 0xFE, 0xFF }, new double[] { 65534 })]
    [InlineData("U32", DType.Int64, new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, new double[] { 4294967294 })]
    [InlineData("U64", DType.Int64, new byte[] { 7, 0, 0, 0, 0, 0, 0, 0 }, new double[] { 7 })]
    [InlineData("F16", DType.Float32, new byte[] { 0x00, 0x3C, 0x00, 0xC0 }, new double[] { 1, -2 })]
    [InlineData("BF16", DType.Float32, new byte[] { 0x80, 0x3F }, new double[] { 1 })]
    [InlineData("F8_E4M3", DType.Float32, new byte[] { 0x7E }, new double[] { 448 })]
    [InlineData("F8_E5M2", DType.Float32, new byte[] { 0x7B }, new double[] { 57344 })]
    [InlineData("F8_E8M0", DType.Float32, new byte[] { 128 }, new double[] { 2 })]
    [InlineData("F8_E4M3FNUZ", DType.Float32, new byte[] { 0x7F }, new double[] { 240 })]
    [InlineData("F8_E5M2FNUZ", DType.Float32, new byte[] { 0x7F }, new double[] { 57344 })]
    [InlineData("F4", DType.Float32, new byte[] { 0xF7 }, new double[] { 6, -6 })]
    [InlineData("F6_E2M3", DType.Float32, new byte[] { 0x5F, 0x10, 0x08 }, new double[] { 7.5, 0.125, 0.125, 0.25 })]
    [InlineData("F6_E3M2", DType.Float32, new byte[] { 0x1F, 0x10, 0x08 }, new double[] { 28, 0, 0.0625, 0.125 })]
    public void Types_that_tensors_do_not_have_are_read_as_wider_ones(string name, DType type, byte[] data, double[] expected)
    {
        string header = $$$"""{"a":{"dtype":"{{{name}}}","shape":[{{{expected.Length}}}],"data_offsets":[0,{{{data.Length}}}]}}""";
        var tensor = SafeTensors.Load(folder.Write("m", [.. File(header, 0), .. data]))["a"];
        Assert.Equal(new TensorType(type, Shape.Of(expected.Length)), tensor.Type);
        Assert.Equal(expected, HostNumbers.Floats(new HostTensor(ElementTypes.Of(type), tensor.Type.Shape, tensor.Data)));
    }

    [Fact]
    public void A_number_that_no_tensor_holds_is_refused_by_its_tensors_name()
    {
        byte[] file = [.. File("""{"a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}""", 0), .. BitConverter.GetBytes(ulong.MaxValue)];
        Assert.Contains("tensor 'a' of type U64 has a number that int64[1] does not hold", Assert.Throws<ModelFileException>(() => SafeTensors.Load(folder.Write("m", file))).Message);
    }

    [Theory]
    [InlineData("""{"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"later":[{}]}}""", 1)]
    [InlineData("{}", 0)]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}  """, 1)]
    public void What_the_format_allows_is_read(string header, int bytes) => SafeTensors.Load(folder.Write("m", File(header, bytes)));

    [Fact]
    public void Complex_numbers_are_read_as_pairs()
    {
        byte[] file = [.. File("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 0), .. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(-2f)];
        Assert.Equal(new TensorType(DType.Float32, Shape.Of(1, 2)), SafeTensors.Load(folder.Write("m", file))["a"].Type);
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Refuses_files_that_are_none(string sentence, byte[] content)
    {
        string path = folder.Write("m", content);
        var refusal = Assert.Throws<ModelFileException>(() => SafeTensors.Load(path));
        Assert.Contains(sentence, refusal.Message);
        Assert.StartsWith(path, refusal.Message);
    }

    [Fact]
    public void Refuses_to_write_what_could_not_be_read()
    {
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(Stream.Null, [Tensor("a", DType.UInt8, Shape.Of(2), 3)]));
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(Stream.Null, [Tensor("a", DType.UInt8, Shape.Of(1), 1), Tensor("a", DType.UInt8, Shape.Of(1), 1)]));
        Assert.Throws<ArgumentException>(() => SafeTensors.Write(Stream.Null, [Tensor("__metadata__", DType.UInt8, Shape.Of(1), 1)]));
    }

    private static NamedTensor Tensor(string name, DType type, Shape shape, int bytes) =>
        new(name, new TensorType(type, shape), Enumerable.Range(0, bytes).Select(i => (byte)(i * 31 + name.Length)).ToArray());

    private static byte[] File(string header, int dataBytes)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[dataBytes]];
    }
}
