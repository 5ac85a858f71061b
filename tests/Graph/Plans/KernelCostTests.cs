using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Tests.Plans;

public sealed class KernelCostTests
{
    [Fact]
    public void A_product_multiplies_and_adds_for_each_of_k_and_reads_each_operand_once()
    {
        var product = new ContractKernel(Of(4, 3, 5), Of(4, 5, 7), Of(4, 3, 7), [], null);
        Assert.Equal(new KernelCost(2 * 4 * 3 * 5 * 7, 4 * (4 * 3 * 5 + 4 * 5 * 7), 4 * 4 * 3 * 7), KernelCost.Of(product));
        var fused = product with { Epilogue = new Epilogue(Sum(2), [Repeated(4, 3, 7)]) };
        Assert.Equal(KernelCost.Of(product) + new KernelCost(4 * 3 * 7, 4 * 7, 0), KernelCost.Of(fused));
    }

    [Theory]
    [InlineData(ConvolveForm.Forward)]
    [InlineData(ConvolveForm.ImageGradient)]
    [InlineData(ConvolveForm.FilterGradient)]
    public void A_convolution_and_its_gradients_cost_the_same(ConvolveForm form)
    {
        var kernel = new ConvolveKernel(form, new Window2D(3, 3, 1, 1, 1, 1), 2, Of(8, 4, 10, 10), Of(6, 2, 3, 3), Of(8, 6, 10, 10), [], null);
        Assert.Equal(2L * 8 * 6 * 10 * 10 * (2 * 3 * 3), KernelCost.Of(kernel).Flops);
    }

    [Fact]
    public void What_is_only_moved_costs_bytes_and_what_repeats_is_read_once()
    {
        Assert.Equal(new KernelCost(0, 0, 400), KernelCost.Of(new UploadKernel(0, Of(100))));
        Assert.Equal(new KernelCost(0, 4 * (6 * 5 + 6), 4 * 6 * 5), KernelCost.Of(new GatherKernel(Of(1000, 5), Of(6), Of(6, 5))));
        var map = new MapKernel(Sum(3), [Of(2, 3, 7), Repeated(2, 3, 7), Of(2, 3, 7)], [Of(2, 3, 7)]);
        Assert.Equal(new KernelCost(2 * 42, 4 * (42 + 7), 4 * 42), KernelCost.Of(map));
        Assert.Equal(2 * 60, KernelCost.Of(new ReduceKernel(Reduction.Sum, Sum(2), [Of(3, 20), Of(3, 20)], [1], Of(3, 1))).Flops);
    }

    [Theory]
    [InlineData("gradients/0", "conv1 Convolve+map", "conv1", "Convolve+map", Phase.Forward)]
    [InlineData("gradients/1", "conv1' Sum copy", "conv1", "Sum copy", Phase.Backward)]
    [InlineData("gradients/0", "Fill", "", "Fill", Phase.Forward)]
    [InlineData("update", "update fc1.bias Multiply·Add", "fc1", "Multiply·Add", Phase.Update)]
    [InlineData("evaluate/32", "loss Sum", "loss", "Sum", Phase.Evaluation)]
    [InlineData("initialise", "Random", "", "Random", Phase.Other)]
    public void An_operation_tells_its_layer_and_its_phase(string section, string name, string layer, string op, Phase phase)
    {
        var operation = new Operation(name, new MapKernel(Sum(1), [Of(1)], [Of(1)]), [], []);
        var facts = OperationFacts.Of(new Section(section, [operation], []), operation);
        Assert.Equal((layer, op, phase), (facts.Layer, facts.Op, facts.Phase));
    }

    private static Operand Of(params long[] dims) => Operand.Contiguous(0, new TensorType(DType.Float32, Shape.Of(dims)));

    /// <summary>One row of the last axis, over and over.</summary>
    private static Operand Repeated(params long[] dims) => Of(dims) with { Block = 1, Strides = [.. dims.Select((_, axis) => axis == dims.Length - 1 ? 1L : 0)] };

    private static ScalarProgram Sum(int arguments) => ScalarBody.Compile(
        [.. Enumerable.Repeat(DType.Float32, arguments)],
        Enumerable.Range(0, arguments).Select(i => Scalar.Argument(i, DType.Float32)).Aggregate((a, b) => a + b));
}
