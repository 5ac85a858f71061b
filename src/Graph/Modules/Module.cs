namespace Singa.Actors.Graph.Modules;

/// <summary>
/// A part of a model: pure data that builds graph when applied. Two equal modules are equal models; parameters belong to the path at
/// which a module stands, not to the module.
/// </summary>
public abstract record Module
{
    /// <summary>The name in parameter paths; without one, the position in the container.</summary>
    public string? Name { get; init; }

    /// <summary>Whether values pass unscaled, so that an initialiser looks past it for the activation.</summary>
    internal virtual bool IsTransparent => false;

    /// <param name="input">Samples first: [n, …].</param>
    public abstract Tensor Forward(Tensor input, ModuleContext context);

    /// <summary>Forward, with errors and nodes named after the layer.</summary>
    /// <exception cref="GraphException">The input does not fit; the message names the layer.</exception>
    public Tensor Apply(Tensor input, ModuleContext context)
    {
        try
        {
            var output = Forward(input, context);
            if (context.Path.Length > 0)
                Node.Label(output, context.Path);
            return output;
        }
        catch (GraphException e) when (e.Layer is null)
        {
            string layer = context.Path.Length == 0 ? GetType().Name : $"{context.Path} ({GetType().Name})";
            throw new GraphException($"layer {layer} cannot take an input of shape {input.Shape}: {e.Message}", e) { Layer = layer };
        }
    }
}
