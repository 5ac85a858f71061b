using Singa.Actors.Cli.Explaining;

namespace Singa.Actors.Cli.Tests.Explaining;

public sealed class RepeatTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("abc", "a b c")]
    [InlineData("aab", "a a b")]
    [InlineData("aaaab", "4×a b")]
    [InlineData("xabababaxy", "x 3×ab a x y")]
    [InlineData("abcabcabcabcd", "4×abc d")]
    [InlineData("aabaabaab", "3×aab")]
    [InlineData("xyxyxyzzzz", "3×xy 4×z")]
    public void Loops_that_were_unrolled_are_found_and_nothing_is_lost(string items, string expected)
    {
        var cut = Repeat.Cut([.. items.Select(c => c.ToString())]);
        Assert.Equal(expected, string.Join(' ', cut.Select(r => (r.Count > 1 ? $"{r.Count}×" : "") + items.Substring(r.First, r.Period))));
        Assert.Equal(items.Length, cut.Sum(r => r.Period * r.Count));
    }
}
