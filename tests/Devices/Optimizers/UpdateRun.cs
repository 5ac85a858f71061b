using System.Runtime.InteropServices;
using Singa.Actors.Devices.Tests.Conformance;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Lowering;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Optimizers;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Tests.Optimizers;

/// <summary>One parameter and what an optimizer remembers of it, step after step on the reference backend, with gradients from outside.</summary>
internal sealed class UpdateRun : IDisposable
{
    private readonly ReferenceBackend backend = new();
    private readonly PlanRunner runner;
    private readonly int block;
    private readonly int count;

    public UpdateRun(Optimizer optimizer, float[] first, long totalSteps)
    {
        count = first.Length;
        var type = new TensorType(DType.Float32, Shape.Of(count));
        var plan = new PlanBuilder();
        Operand Scalar(string name, DType dtype) => plan.Declare(name, BlockKind.Input, new TensorType(dtype, Shape.Scalar));
        var gradient = plan.Declare("gradient", BlockKind.Input, type);
        var number = Placeholder.Create("step", new TensorType(DType.Int32, Shape.Scalar), BlockKind.Input).Convert(DType.Float32);
        var states = optimizer.StateNames.Select(s => (Name: s, Place: plan.Declare(s, BlockKind.Variable, type))).ToArray();
        var parameter = plan.Declare("p", BlockKind.Variable, type);
        var step = new StepScalars(number, optimizer.Schedule.Factor(number, totalSteps) * optimizer.LearningRate);
        var updated = optimizer.Update(Variable("p", type), Placeholder.Create("gradient", type, BlockKind.Input), [.. states.Select(s => Variable(s.Name, type))], step, optimizer.WeightDecay);
        plan.AddSection("initialise", [], [(Constant.Create<float>(first, type.Shape), parameter),
            .. states.Select(s => (Fill.Create(DType.Float32, type.Shape, optimizer.FirstValue(s.Name)), s.Place))], []);
        plan.AddSection("update", [new UploadKernel(0, gradient), new UploadKernel(1, Scalar("step", DType.Int32))],
            [.. states.Select((s, i) => (updated.State[i], s.Place)), (updated.Parameter, parameter)], []);
        Plan = plan.Build();
        block = parameter.Block;
        runner = new PlanRunner(backend, Plan);
        runner.Run("initialise");

        static Tensor Variable(string name, TensorType type) => Placeholder.Create(name, type, BlockKind.Variable);
    }

    public Plan Plan { get; }

    public float[] Step(int number, float[] gradient)
    {
        runner.Run("update", MemoryMarshal.AsBytes(gradient.AsSpan()).ToArray(), BitConverter.GetBytes(number));
        var bytes = new byte[Plan.Blocks[block].Bytes];
        runner.Loaded.ReadBlock(block, bytes);
        return MemoryMarshal.Cast<byte, float>(bytes)[..count].ToArray();
    }

    public void Dispose()
    {
        runner.Dispose();
        backend.Dispose();
    }
}
