using Singa.Actors.Graph.Optimizers;

namespace Singa.Actors.Graph.Tests.Optimizers;

public sealed class NamePatternTests
{
    [Theory]
    [InlineData("norm*", "blocks.3.norm1.weight", true)]
    [InlineData("norm*", "blocks.3.renorm.weight", false)]
    [InlineData("*.bias", "blocks.3.fc.bias", true)]
    [InlineData("*.bias", "bias", false)]
    [InlineData("bias", "bias", true)]
    [InlineData("bias", "fc.bias", true)]
    [InlineData("bias", "fc.biases", false)]
    [InlineData("conv1", "stem.conv1.weight", true)]
    [InlineData("conv1", "conv12.weight", false)]
    [InlineData("blocks.0", "blocks.0.fc.weight", true)]
    [InlineData("blocks.0", "decoder.blocks.0.fc.weight", false)]
    [InlineData("blocks.0", "blocks.01.fc.weight", false)]
    [InlineData("blocks.?", "blocks.7.fc.weight", true)]
    [InlineData("blocks.*.weight", "blocks.7.fc.weight", true)]
    [InlineData("*", "anything.at.all", true)]
    [InlineData("Conv1", "conv1.weight", false)]
    public void Matches(string pattern, string name, bool matches) => Assert.Equal(matches, NamePattern.Matches(pattern, name));
}
