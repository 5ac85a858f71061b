using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Training;

namespace Singa.Actors.Graph.Onnx.Import;

/// <summary>
/// A model that was read: applied to samples it builds the file's graph for as many as there are, in training that of training. Random
/// numbers of a model that we wrote have the keys that it says, whatever the job's seed.
/// </summary>
public sealed record OnnxModule(OnnxModel Model) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        try
        {
            return Model.Build(input, context);
        }
        catch (Exception e) when (e is OnnxException or OnnxUnsupportedException)
        {
            throw new GraphException(e.Message, e);
        }
    }

    /// <summary>What the model answers to two samples: [2, …].</summary>
    /// <exception cref="GraphException">It does not fit them.</exception>
    public TensorType AnswerTo(TensorType sample) => ModelTrace.Of(this, sample, 0, 2, training: false).Output.Type;

    public override string ToString() => Model.Description;
}
