namespace Singa.Actors.Graph;

/// <summary>What is known of a tensor before it is computed.</summary>
public readonly record struct TensorType(DType DType, Shape Shape)
{
    public long Bytes => Shape.Count * DType.Size();

    public override string ToString() => $"{DType.ToString().ToLowerInvariant()}{Shape}";
}
