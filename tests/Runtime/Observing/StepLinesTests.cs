using System.Text;
using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Runtime.Tests.Observing;

public sealed class StepLinesTests
{
    private const string Two = "{\"step\":0,\"loss\":1}\n{\"epoch\":0,\"step\":1,\"samples\":[3,4]}\n";

    [Theory]
    [InlineData("", null)]
    [InlineData("{\"step\":0}", null)]
    [InlineData("no JSON at all\n", null)]
    [InlineData(Two, 2L)]
    [InlineData(Two + "{\"step\":2,\"lo", 1L)]
    [InlineData(Two + "{\"loss\":2}\n", 1L)]
    public void It_knows_how_far_the_record_goes(string text, long? recorded) => Assert.Equal(recorded, StepLines.Recorded(Stream(text)));

    [Theory]
    [InlineData(Two, 5, Two)]
    [InlineData(Two, 1, "{\"step\":0,\"loss\":1}\n")]
    [InlineData(Two, 0, "")]
    [InlineData(Two + "{\"step\":2,\"lo", 9, Two)]
    [InlineData("something else", 9, "")]
    public void What_is_taken_again_is_cut_off(string text, long first, string left)
    {
        var stream = Stream(text);
        StepLines.CutFrom(stream, first);
        stream.Write("next"u8);
        Assert.Equal(left + "next", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Lines_longer_than_any_buffer_are_lines()
    {
        string line = $"{{\"samples\":[{string.Join(',', Enumerable.Range(0, 50_000))}],\"step\":0}}\n";
        Assert.Equal(1, StepLines.Recorded(Stream(line)));
    }

    private static MemoryStream Stream(string text)
    {
        var stream = new MemoryStream();
        stream.Write(Encoding.UTF8.GetBytes(text));
        return stream;
    }
}
