using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Watching;

namespace Singa.Actors.Runtime.Tests.Cluster;

public sealed class SilencePolicyTests
{
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(3, new[] { 2 }, 4, new[] { 2 })]
    [InlineData(3, new[] { 2 }, 2, new int[0])]
    [InlineData(3, new[] { 1, 2 }, 100, new int[0])]
    [InlineData(5, new[] { 0, 4 }, 4, new[] { 0, 4 })]
    [InlineData(2, new[] { 1 }, 4, new int[0])]
    [InlineData(2, new[] { 1 }, 31, new[] { 1 })]
    [InlineData(2, new[] { 0 }, 100, new int[0])]
    [InlineData(4, new[] { 2, 3 }, 31, new[] { 2, 3 })]
    [InlineData(4, new[] { 0, 3 }, 100, new int[0])]
    [InlineData(4, new int[0], 100, new int[0])]
    public void A_majority_lets_the_silent_go_and_a_minority_waits(int members, int[] silent, int seconds, int[] gone) => Assert.Equal(
        gone.Select(At), SilencePolicy.LetGo([.. Enumerable.Range(0, members).Select(At)], silent.Select(At).ToHashSet(), TimeSpan.FromSeconds(seconds), Stable));

    /// <summary>Whatever the cut, at most one side ever lets the other go.</summary>
    [Fact]
    public void Two_sides_of_a_cut_never_let_each_other_go()
    {
        for (int members = 2; members <= 8; members++)
        {
            for (int side = 1; side < (1 << members) - 1; side++)
            {
                NodeAddress[] all = [.. Enumerable.Range(0, members).Select(At)];
                var (left, right) = (all.Where((_, i) => (side & (1 << i)) != 0).ToHashSet(), all.Where((_, i) => (side & (1 << i)) == 0).ToHashSet());
                var hours = TimeSpan.FromHours(1);
                Assert.True(SilencePolicy.LetGo(all, left, hours, Stable).IsEmpty != SilencePolicy.LetGo(all, right, hours, Stable).IsEmpty);
            }
        }
    }

    private static NodeAddress At(int number) => new("10.0.0.1", 4000 + number);
}
