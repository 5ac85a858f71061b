using Singa.Actors.Devices.Tests.Gradients;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Recompute;

namespace Singa.Actors.Devices.Tests.Recurrence;

/// <summary>What one more step costs, forward and back, with all gradients summed over shards.</summary>
public sealed class RecurrentPlanTests
{
    public static TheoryData<Recurrent, int, int> Costs => new()
    {
        // An activation alone is applied to the product as it is stored.
        { new Rnn(4), 2, 0 },
        { new Rnn(4, "Relu"), 2, 0 },
        { new Lstm(4), 2, 2 },
        { new Gru(4), 2, 2 },
        { new Lstm(4) { Bidirectional = true }, 4, 4 },
        { new Lstm(4) { Layers = 2 }, 4, 4 },
        { new Gru(4) { Layers = 2, Bidirectional = true }, 8, 8 },
    };

    [Theory]
    [MemberData(nameof(Costs))]
    public void A_step_costs_its_products_and_a_pass_each_way(Recurrent layer, int products, int maps)
    {
        foreach (int shards in new[] { 1, 3 })
        {
            var (six, seven) = (Kernels(layer, 6, shards), Kernels(layer, 7, shards));
            Assert.Equal((products, maps, 0), (More<ContractKernel>(), More<MapKernel>(), seven.Count - six.Count - products - maps));

            int More<T>() => seven.OfType<T>().Count() - six.OfType<T>().Count();
        }
    }

    private static List<Kernel> Kernels(Recurrent layer, int time, int shards)
    {
        var input = GraphRunner.Input(0, Shape.Of(2, time, 3));
        var traced = RecurrentLayer.Trace(layer, input);
        var loss = (traced.Result.Output * traced.Result.Output).SumAll();
        var fed = GraphRunner.Input(1, input.Shape.Prepend(shards));
        var wanted = ShardAxis.Expand([loss, .. Graph.Gradients.Of(loss, traced.Parameters)], new Dictionary<Tensor, Tensor> { [input] = fed }, new ShardRange(0, shards));
        var plan = new PlanBuilder();
        plan.AddSection("run", [], [.. wanted.Select(ShardSum.Apply).Select((sum, i) => (sum, plan.Declare($"sum {i}", BlockKind.Output, sum.Type)))], []);
        // What is computed again to save memory depends on where the peak lies.
        return [.. plan.Build(MemoryGoal.Once)["run"].Kernels];
    }
}
