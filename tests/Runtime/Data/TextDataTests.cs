using System.Text;
using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Data.Text;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Tests.Data;

public sealed class TextDataTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Samples_are_windows_and_labels_what_follows_each_token()
    {
        var (data, text) = Numbers(205, length: 4);
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal(dataset.Description, DataLoader.Describe(data));
        Assert.Equal(new TensorType(DType.Int32, Shape.Of(4)), dataset.Train.Sample);
        Assert.Equal(dataset.Train.Sample, dataset.Train.Label);
        Assert.Equal(205, dataset.Train.Classes);

        // 184 tokens are trained on: 45 windows and a last label wherever they begin; 21 are held back: five windows and a last label.
        Assert.Equal(45, dataset.Train.Count);
        Assert.Equal(5, dataset.Test!.Count);
        var (inputs, labels) = dataset.Test.Read<int, int>(3, 0, 4);
        Assert.Equal([184, 185, 186, 187, 200, 201, 202, 203], inputs);
        Assert.Equal(inputs.Select(i => i + 1), labels);
        Assert.Equal(text, dataset.Vocabulary!.Characters);
    }

    [Fact]
    public async Task Each_epoch_begins_elsewhere_and_nobody_but_seed_and_epoch_says_where()
    {
        var (data, _) = Numbers(205, length: 4);
        var (train, again, other) = (await Train(data, 1), await Train(data, 1), await Train(data, 2));
        var begins = Enumerable.Range(0, 40).Select(epoch => train.Read<int, int>(epoch, 0).Inputs[0]).ToArray();
        Assert.Equal([0, 1, 2, 3], begins.Distinct().Order());
        Assert.Equal(begins, Enumerable.Range(0, 40).Select(epoch => again.Read<int, int>(epoch, 0).Inputs[0]));
        Assert.NotEqual(begins, Enumerable.Range(0, 40).Select(epoch => other.Read<int, int>(epoch, 0).Inputs[0]));
        for (int epoch = 0; epoch < 8; epoch++)
        {
            var (inputs, labels) = train.Read<int, int>(epoch, [.. Enumerable.Range(0, 45).Select(i => (long)i)]);
            Assert.Equal(Enumerable.Range(begins[epoch], 180), inputs);
            Assert.Equal(inputs.Select(i => i + 1), labels);
        }
    }

    [Fact]
    public async Task Characters_are_numbered_in_order_of_code_points_and_a_byte_order_mark_is_none()
    {
        string text = string.Concat(Enumerable.Repeat("zä😀a\n", 10));
        var data = Text([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)], length: 4);
        var dataset = await DataLoader.LoadAsync(data, 1);
        var vocabulary = dataset.Vocabulary!;
        Assert.Equal("\nazä😀", vocabulary.Characters);
        Assert.Equal(5, dataset.Train.Classes);
        Assert.Equal([2, 3, 4, 1, 0], vocabulary.Encode("zä😀a\n"));
        Assert.Equal("zä😀", vocabulary.Decode([2, 3, 4]));
        Assert.Equal(vocabulary.Encode("zä😀a"), dataset.Test!.Read<int, int>(0, 0).Inputs);
        Assert.Contains("U+0062", Assert.Throws<ArgumentException>(() => vocabulary.Encode("ab")).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => vocabulary.Decode([5]));
    }

    [Fact]
    public async Task Bytes_need_no_encoding()
    {
        var data = Text([.. Enumerable.Range(0, 300).Select(i => (byte)(i * 7))], length: 4) with { Tokens = TextTokens.Bytes };
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal(256, dataset.Description.Classes);
        Assert.Equal(dataset.Description, DataLoader.Describe(data));
        Assert.Equal(Enumerable.Range(270, 4).Select(i => i * 7 % 256), dataset.Test!.Read<int, int>(0, 0).Inputs);
        Assert.Equal("hä", dataset.Vocabulary!.Decode(dataset.Vocabulary.Encode("hä")));
    }

    [Fact]
    public async Task More_characters_than_a_byte_holds_are_told_apart()
    {
        var (data, text) = Numbers(3000, length: 8, first: 0x4E00);
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal(3000, dataset.Train.Classes);
        Assert.Equal(text, dataset.Vocabulary!.Decode([.. Enumerable.Range(0, 3000)]));
        Assert.Equal(Enumerable.Range(2700, 8), dataset.Test!.Read<int, int>(0, 0).Inputs);
    }

    /// <summary>Characters that lie across the pieces in which the file is read.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Where_the_file_is_cut_in_reading_leaves_no_trace(int before)
    {
        string text = new string('x', before) + string.Concat(Enumerable.Repeat("😀€", 40_000));
        var data = Text(Encoding.UTF8.GetBytes(text), length: 16);
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.Equal("x€😀", dataset.Vocabulary!.Characters);
        Assert.Equal(string.Concat(Enumerable.Repeat("€😀", 8)), dataset.Vocabulary.Decode(Enumerable.Repeat(1, 8).SelectMany(_ => new[] { 1, 2 }).ToArray()));
        var (inputs, _) = dataset.Train.Read<int, int>(0, 4000);
        Assert.Equal(1, Math.Abs(inputs[0] - inputs[1]));
        Assert.All(Enumerable.Range(2, 14), i => Assert.Equal(inputs[i - 2], inputs[i]));
    }

    public static TheoryData<byte[], string> Wrong => new()
    {
        { [], "has 0 characters, but windows of 4 and one more take at least 41" },
        { "only a few letters are not enough here"u8.ToArray(), "has 38 characters, but windows of 4" },
        { [.. new byte[60], 0xFF, .. new byte[60]], "is not UTF-8: byte 60 (counted from 0) begins no character" },
        { [.. new byte[60], 0xC3], "is not UTF-8: byte 60" },
        { [.. new byte[60], 0xED, 0xA0, 0x80], "is not UTF-8: byte 60" },
        { [.. new byte[70_000], 0xE2, 0x82], "is not UTF-8: byte 70,000" },
        { [.. Enumerable.Repeat((byte)'a', 65_534), 0xE2, 0x28, 0xA1], "is not UTF-8: byte 65,534" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Refuses_in_one_sentence_that_names_the_file(byte[] content, string sentence)
    {
        var data = Text(content, length: 4);
        var refusal = await Assert.ThrowsAsync<JobRefusedException>(() => DataLoader.LoadAsync(data, 1));
        Assert.StartsWith($"{data.Path} {sentence}", refusal.Message);
        Assert.Equal(refusal.Message, Assert.Throws<JobRefusedException>(() => DataLoader.Describe(data)).Message);
    }

    [Theory]
    [InlineData(1, 11)]
    [InlineData(7, 71)]
    [InlineData(64, 641)]
    public async Task What_a_refusal_names_is_enough_and_one_less_is_not(int length, int least)
    {
        var data = Text(Encoding.UTF8.GetBytes(new string('a', least)), length);
        var dataset = await DataLoader.LoadAsync(data, 1);
        Assert.True(dataset.Train.Count > 0);
        Assert.Equal(1, dataset.Test?.Count);
        dataset.Train.Read<int, int>(5, dataset.Train.Count - 1);
        Assert.Throws<JobRefusedException>(() => DataLoader.Describe(Text(Encoding.UTF8.GetBytes(new string('a', least - 1)), length)));
    }

    [Fact]
    public void Refuses_what_is_no_file()
    {
        Assert.Contains("there is no file", Assert.Throws<JobRefusedException>(() => DataLoader.Describe(new TextData { Path = folder["none"] })).Message);
        Assert.Contains("it is a folder", Assert.Throws<JobRefusedException>(() => DataLoader.Describe(new TextData { Path = folder.Path })).Message);
        Assert.Contains("data.length is 0", Assert.Throws<JobRefusedException>(() => DataLoader.Describe(Text(new byte[100], 4) with { Length = 0 })).Message);
    }

    /// <summary>Whatever is in a file: it is a text, or a refusal.</summary>
    [Fact]
    public async Task Garbage_is_read_or_refused()
    {
        var random = new Random(5);
        for (int i = 0; i < 200; i++)
        {
            var content = new byte[random.Next(400)];
            random.NextBytes(content);
            if (i % 2 == 0)
                content = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(content));
            var data = Text(content, random.Next(1, 20)) with { Tokens = (TextTokens)(i / 2 % 2) };
            try
            {
                var dataset = await DataLoader.LoadAsync(data, 1);
                dataset.Train.Read<int, int>(random.Next(100), dataset.Train.Count - 1);
                var test = dataset.Test!;
                test.Read<int, int>(0, test.Count - 1);
            }
            catch (JobRefusedException)
            {
            }
        }
    }

    private TextData Text(byte[] content, int length) => new() { Path = folder.Write("text", content), Length = length };

    /// <summary>A text in which each character is the next of the alphabet: its number is its place.</summary>
    private (TextData Data, string Text) Numbers(int count, int length, int first = 'A')
    {
        string text = string.Concat(Enumerable.Range(first, count).Select(c => (char)c));
        return (Text(Encoding.UTF8.GetBytes(text), length), text);
    }

    private static async Task<ISampleSource> Train(DataSpec data, ulong seed) => (await DataLoader.LoadAsync(data, seed)).Train;
}
