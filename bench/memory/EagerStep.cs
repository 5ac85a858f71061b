using Singa.Actors.Graph;
using Singa.Actors.Graph.Modules;

namespace Singa.Actors.Bench.Memory;

/// <summary>
/// What one training step holds at most where every module is one op that runs at once, as in PyTorch: forward saves what backward reads (the
/// input of convolutions, dense and normalising layers, the result of ReLU, input and indices of max pooling), a residual's sum and the ReLU
/// behind it happen in place, every tensor is freed at its last use, gradients of parameters at the update. Parameters and optimizer state are
/// not counted, nor any kernel's workspace, nor what an allocator leaves between tensors.
/// </summary>
internal sealed class EagerStep
{
    private readonly EagerMemory memory = new();

    // What backward does, the last forward op first: from the gradient of its result to that of its input, null where nobody needs it.
    private readonly List<Func<EagerTensor, bool, EagerTensor?>> noted = [];

    /// <param name="sample">Shape of one sample of float32.</param>
    public static long PeakBytes(Module model, Shape sample, int batch)
    {
        var step = new EagerStep();
        var input = step.memory.Allocate(sample.Prepend(batch));
        var output = step.Forward(model, input);
        var gradient = step.Loss(output);
        gradient = step.Backward(0, gradient, false);
        gradient?.Free();
        return step.memory.Peak;
    }

    /// <summary>The result of a module; its input's reference is handed over.</summary>
    private EagerTensor Forward(Module module, EagerTensor x)
    {
        switch (module)
        {
            case Sequential all:
                for (int i = 0; i < all.Modules.Count; i++)
                    x = Forward(all.Modules[i], x, i > 0 ? all.Modules[i - 1] : null);
                return x;
            case Residual residual:
                return Forward(residual, x);
            case Conv2d conv:
                return Product(x, Shape.Of(x.Shape[0], conv.Outputs, Window(x.Shape[2], conv), Window(x.Shape[3], conv)),
                    Shape.Of(conv.Outputs, x.Shape[1] / conv.Groups, conv.Kernel, conv.Kernel), conv.Bias);
            case Linear linear:
                return Product(x, x.Shape.With(x.Shape.Rank - 1, linear.Outputs), Shape.Of(linear.Outputs, x.Shape[^1]), linear.Bias);
            case BatchNorm:
                return BatchNormalise(x);
            case MaxPool2d pool:
                return MaxPool(x, pool.Kernel, pool.Stride == 0 ? pool.Kernel : pool.Stride, pool.Padding);
            case GlobalAveragePool:
                return Unsaved(x, Shape.Of(x.Shape[0], x.Shape[1], 1, 1));
            case Flatten:
                x.Shape = Shape.Of(x.Shape[0], x.Shape.Count / x.Shape[0]);
                return x;
            default:
                throw new NotSupportedException($"{module.GetType().Name} has no eager account yet");
        }
    }

    private EagerTensor Forward(Module module, EagerTensor x, Module? before) =>
        module is Activation { Function: "Relu" } ? Relu(x, inPlace: before is Residual) : Forward(module, x);

    private EagerTensor Product(EagerTensor x, Shape result, Shape weight, bool bias)
    {
        var y = memory.Allocate(result);
        Note(x, (up, wanted) =>
        {
            var down = wanted ? memory.Allocate(x.Shape) : null;
            memory.Allocate(weight);
            if (bias)
                memory.Allocate(Shape.Of(weight[0]));
            return down;
        });
        return y;
    }

    private EagerTensor BatchNormalise(EagerTensor x)
    {
        var perChannel = Shape.Of(x.Shape[1]);
        var (y, mean, spread) = (memory.Allocate(x.Shape), memory.Allocate(perChannel), memory.Allocate(perChannel));
        Note(x, (up, _) =>
        {
            var down = memory.Allocate(x.Shape);
            memory.Allocate(perChannel);
            memory.Allocate(perChannel);
            mean.Free();
            spread.Free();
            return down;
        });
        return y;
    }

    private EagerTensor Relu(EagerTensor x, bool inPlace)
    {
        var y = inPlace ? x.Keep() : memory.Allocate(x.Shape);
        x.Free();
        Note(y.Keep(), (up, _) => memory.Allocate(y.Shape));
        return y;
    }

    private EagerTensor MaxPool(EagerTensor x, int kernel, int stride, int padding)
    {
        var shape = Shape.Of(x.Shape[0], x.Shape[1], (x.Shape[2] + 2 * padding - kernel) / stride + 1, (x.Shape[3] + 2 * padding - kernel) / stride + 1);
        var y = memory.Allocate(shape);
        var indices = new EagerTensor(memory, shape, sizeof(long));
        Note(x, (up, _) =>
        {
            var down = memory.Allocate(x.Shape);
            indices.Free();
            return down;
        });
        return y;
    }

    /// <summary>An op whose backward reads nothing but the gradient.</summary>
    private EagerTensor Unsaved(EagerTensor x, Shape result)
    {
        var (y, shape) = (memory.Allocate(result), x.Shape);
        x.Free();
        Note(null, (up, _) => memory.Allocate(shape));
        return y;
    }

    private EagerTensor Forward(Residual residual, EagerTensor x)
    {
        int start = noted.Count;
        var skip = residual.Shortcut is null ? x.Keep() : Forward(residual.Shortcut, x.Keep());
        int middle = noted.Count;
        var body = Forward(residual.Body, x);
        // add_: in place, and what it added is needed no more.
        skip.Free();
        var backward = (Skip: noted[start..middle], Body: noted[middle..]);
        noted.RemoveRange(start, noted.Count - start);
        noted.Add((up, wanted) =>
        {
            // What ran last in forward goes first in backward; the two gradients of the input are added in place.
            var ofBody = Backward(backward.Body, up.Keep(), wanted);
            var ofSkip = Backward(backward.Skip, up.Keep(), wanted);
            ofBody?.Free();
            return ofSkip;
        });
        return body;
    }

    /// <summary>Softmax cross-entropy: the logarithms of the probabilities are saved.</summary>
    private EagerTensor Loss(EagerTensor output)
    {
        var logarithms = memory.Allocate(output.Shape);
        output.Free();
        var gradient = memory.Allocate(logarithms.Shape);
        logarithms.Free();
        return gradient;
    }

    private EagerTensor? Backward(int from, EagerTensor gradient, bool wanted) => Backward(noted[from..], gradient, wanted);

    private static EagerTensor? Backward(List<Func<EagerTensor, bool, EagerTensor?>> ops, EagerTensor gradient, bool wanted)
    {
        EagerTensor? current = gradient;
        for (int i = ops.Count - 1; i >= 0; i--)
        {
            var up = current!;
            current = ops[i](up, wanted || i > 0);
            up.Free();
        }

        return current;
    }

    /// <summary>Backward of an op that saved a tensor (whose reference is handed over), freed once its gradient is there.</summary>
    private void Note(EagerTensor? saved, Func<EagerTensor, bool, EagerTensor?> backward) => noted.Add((up, wanted) =>
    {
        var down = backward(up, wanted);
        saved?.Free();
        return down;
    });

    private static long Window(long size, Conv2d conv) => (size + 2 * conv.Padding - conv.Dilation * (conv.Kernel - 1) - 1) / conv.Stride + 1;
}
